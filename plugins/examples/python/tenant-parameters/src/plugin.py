"""Parameters of queues, global ones and a tenant's own over them: what the Rust example of this name does, in Python."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from one_file import ConfigFile, ReferenceKind
from wit_world import exports
from wit_world.exports.configure import File, Loaded
from wit_world.imports.queue_settings import QueueConfig as Settings
from wit_world.imports.types import QueueName, Rate

UNITS = {
    1: "ms", 1000: "s sec secs second seconds", 60_000: "m min mins minute minutes", 3_600_000: "h hr hrs hour hours",
    86_400_000: "d day days", 604_800_000: "w week weeks",
}
UNIT = {word: ms for ms, words in UNITS.items() for word in words.split()}


def duration(text: str) -> int:
    """Returns milliseconds: `20 minutes`, `2h 30m`."""
    parts = re.findall(r"(\d{1,9})\s*([a-z]+)", text)
    if not re.fullmatch(r"(\s*\d{1,9}\s*[a-z]+)+", text.strip()) or any(word not in UNIT for _, word in parts):
        raise ValueError(f"'{text}' is not a duration such as '20 minutes' or '2h 30m'")
    return sum(int(number) * UNIT[word] for number, word in parts)


def interval(text: str) -> int:
    """Returns a wait between attempts. The host takes none under a second, and the place to say so is the file."""
    if duration(text) < 1000:
        raise ValueError("attempts are at least 1 second apart")
    return duration(text)


def rate(text: str) -> Rate:
    """Returns a rate: `100/s`, `1,000/hour`."""
    found = re.fullmatch(r"([\d,_]+)/([a-z]+)", text)
    limit = int(re.sub("[,_]", "", found[1]) or 0) if found else 0
    if not limit or found[2] not in UNIT or found[2] == "ms":
        raise ValueError(f"'{text}' is not a rate such as '100/s'")
    return Rate(limit, UNIT[found[2]], None, False)


# How each option is read, and set.
OPTIONS: dict[str, tuple[Callable[[str], Any], Callable[..., None]]] = {
    "max_age": (duration, Settings.set_max_age),
    "retry_interval": (interval, Settings.set_retry_interval),
    "max_retry_interval": (interval, Settings.set_max_retry_interval),
    "max_message_rate": (rate, Settings.set_max_message_rate),
    "egress_pool": (str, Settings.set_egress_pool),
}


@dataclass
class Parameters:
    everybody: list[tuple] = field(default_factory=list)
    tenants: dict[str, list[tuple]] = field(default_factory=dict)


parameters = Parameters()


class Configure(exports.Configure):
    def init(self, files: list[File]) -> Loaded:
        file = ConfigFile(files)
        file.only(file.table, "", ["params", "tenant_params"])
        params = file.table.get("params", {})
        parameters.everybody = read(file, "params", params) if isinstance(params, dict) else []
        named = file.tables("tenant_params")
        parameters.tenants = {name: read(file, f"tenant_params.{name}", table) for name, table in named}
        return file.finish()


def read(file: ConfigFile, path: str, table: dict) -> list[tuple]:
    file.only(table, path, list(OPTIONS))
    found = []
    for key, (parse, put) in OPTIONS.items():
        text = file.get(table, path, key, str)
        if text is None:
            continue
        at = file.place(path, key)
        try:
            found.append((put, parse(text), f"{file.name}:{at[0]}"))
        except ValueError as error:
            file.error(at, f"{key}: {error}")
        if key == "egress_pool":
            file.refer(ReferenceKind.EGRESS_POOL, text, at)
    return found


class QueueConfig(exports.QueueConfig):
    def get_queue_config(self, name: QueueName, so_far: Settings) -> Settings | None:
        settings = Settings()
        for put, value, origin in parameters.everybody + parameters.tenants.get(name.tenant or "", []):
            put(settings, value, origin)
        return settings
