"""The tenant out of a header field, checked: what the Rust example of this name does, in Python."""

import re
from dataclasses import dataclass, field

from componentize_py_types import Err
from one_file import ConfigFile, ReferenceKind
from wit_world import exports
from wit_world.exports.configure import File, Loaded
from wit_world.exports.message_received import Verdict_Accept
from wit_world.imports.message import Message
from wit_world.imports.types import Reply

NO_NAME = "a tenant's name is up to 64 letters, digits, '-', '_' and '.'"


def is_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", text) is not None


def reject(text: str) -> Err:
    return Err(Reply(550, "5.7.1", text))


@dataclass
class Policy:
    header: str = "X-Tenant"
    remove: bool = True
    unknown: str = "reject"
    default_tenant: str | None = None
    # Who may send as each tenant; None is every session that may relay.
    tenants: dict[str, list[str] | None] = field(default_factory=dict)

    def named(self, said: list[str]) -> str | None:
        """Returns the tenant that the header names, None where it is blank; raises what is wrong with it."""
        names = [value.strip() for value in said if value.strip()]
        if not names:
            return None
        if any(other != names[0] for other in names):
            raise reject(f"{self.header}: several fields name different tenants")
        if not is_name(names[0]):
            raise reject(f"{self.header}: {NO_NAME}")
        if names[0] not in self.tenants:
            raise reject(f"{self.header}: there is no tenant '{names[0]}' here")
        return names[0]

    def decide(self, said: list[str], earlier: str | None, authz_id: str | None) -> str | None:
        """Returns the tenant that a message gets, None where it stays as it is."""
        try:
            name = self.named(said)
        except Err:
            if self.unknown != "default":
                raise
            name = None
        if earlier is not None:
            if name is not None and name != earlier:
                raise reject(f"{self.header}: this mail is not of tenant '{name}'")
            return None
        name = name or self.default_tenant
        allowed = self.tenants.get(name) if name else None
        if allowed is not None and authz_id not in allowed:
            raise reject(f"you are not authorized to send as tenant '{name}'")
        return name


policy = Policy()


class Configure(exports.Configure):
    def init(self, files: list[File]) -> Loaded:
        file = ConfigFile(files)
        table = file.table
        file.only(table, "", ["header", "remove", "unknown", "default_tenant", "tenant"])
        header = file.get(table, "", "header", str)
        policy.header = policy.header if header is None else header
        remove = file.get(table, "", "remove", bool)
        policy.remove = policy.remove if remove is None else remove
        policy.unknown = file.get(table, "", "unknown", str) or policy.unknown
        policy.default_tenant = file.get(table, "", "default_tenant", str)
        policy.tenants = {name: tenant(file, name, section) for name, section in file.tables("tenant")}
        check(file)
        return file.finish()


def tenant(file: ConfigFile, name: str, section: dict) -> list[str] | None:
    path = f"tenant.{name}"
    file.only(section, path, ["require_authz"])
    if not is_name(name):
        file.error(file.place(path), NO_NAME)
    allowed = file.get(section, path, "require_authz", list)
    if allowed is not None:
        file.refer(ReferenceKind.GUARDED_TENANT, name, file.place(path, "require_authz"))
    return allowed


def check(file: ConfigFile):
    if not re.fullmatch(r"[!-9;-~]+", policy.header):
        file.error(file.place("", "header"), f"header: '{policy.header}' is not the name of a header field")
    if policy.unknown not in ("reject", "default"):
        file.error(file.place("", "unknown"), f"unknown: '{policy.unknown}' is neither \"reject\" nor \"default\"")
    if policy.default_tenant is not None and policy.default_tenant not in policy.tenants:
        file.error(file.place("", "default_tenant"), f"`{policy.default_tenant}` is not a tenant of this file")
    if policy.default_tenant is None and policy.unknown == "default":
        file.error(file.place("", "unknown"), 'unknown: "default" needs a `default_tenant`')


class MessageReceived(exports.MessageReceived):
    def message_received(self, message: Message):
        believed = message.may_relay()
        said = message.all_headers(policy.header) if believed else []
        if policy.remove or not believed:
            message.remove_header(policy.header)
        earlier = message.get_meta("tenant")
        name = policy.decide(said, earlier if earlier and earlier.strip() else None, message.authz_id())
        if name is not None:
            message.set_meta("tenant", name)
        return Verdict_Accept()
