"""Reading a TOML file with places: every finding is (line, column, message), from 1."""

import re
import tomllib


def read(text: str, known: dict[str, type]) -> tuple[dict, list[tuple[int, int, str]]]:
    """Returns the values of a file's keys, and everything that is wrong with it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, 1)
        return {}, [(line, column, re.sub(r" \(at .*\)$", "", str(error)))]
    except RecursionError:
        return {}, [(1, 1, "lists or tables are nested too deeply")]
    findings = []
    for key, value in table.items():
        if key not in known:
            findings.append((*place_of(text, key), f"`{key}` is not known in this file; there are {', '.join(known)}"))
        elif not isinstance(value, known[key]):
            findings.append((*place_of(text, key), f"{key}: expected {known[key].__name__}, got {type(value).__name__}"))
    return table, findings


def place_of(text: str, key: str) -> tuple[int, int]:
    """Returns line and column of a key at the top of a file."""
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(rf"\s*\[*\s*['\"]?({re.escape(key)})\b", line)
        if found:
            return number, len(line) - len(line.lstrip()) + 1
    return 1, 1
