"""The one file of a plugin, read with places, and what is wrong with it collected."""

import re
import tomllib

from componentize_py_types import Err
from wit_world.exports.configure import Diagnostic, File, Loaded, Reference, ReferenceKind, Refused, Severity

WORDS = {str: "text", bool: "true or false", list: "a list of texts"}


class ConfigFile:
    """Raises a refusal where there is not one file, or it is no TOML."""

    def __init__(self, files: list[File]):
        self.diagnostics, self.references, self.name = [], [], None
        if len(files) != 1:
            self.error(None, f'this plugin takes one file, config = ["FILE"], and got {len(files)}')
            self.finish()
        self.name = files[0].name
        try:
            self.text = files[0].content.decode()
            self.table = tomllib.loads(self.text)
        except UnicodeDecodeError:
            self.error((1, 1), "it is not UTF-8")
        except RecursionError:
            self.error((1, 1), "lists or tables are nested too deeply")
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+), column (\d+)", str(error))
            at = (int(place[1]), int(place[2])) if place else (self.text.count("\n") + 1, 1)
            self.error(at, re.sub(r" \(at .*\)$", "", str(error)))
        if self.diagnostics:
            self.finish()

    def place(self, path: str, key: str | None = None) -> tuple[int, int]:
        """Returns where a key stands in a table, or where the table's header stands."""
        current = ""
        for number, line in enumerate(self.text.split("\n"), 1):
            header = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
            if header:
                current = re.sub(r"['\"]|\s*(\.)\s*", r"\1", header[1])
                if key is None and current == path:
                    return number, line.index("[") + 2
            elif current == path and key is not None and re.match(rf"[\s'\"]*{re.escape(key)}\b", line):
                return number, len(line) - len(line.lstrip()) + 1
        return 1, 1

    def error(self, at: tuple[int, int] | None, message: str):
        file, line, column = (self.name, *at) if at else (None, None, None)
        self.diagnostics.append(Diagnostic(Severity.ERROR, file, line, column, message))

    def refer(self, kind: ReferenceKind, name: str, at: tuple[int, int]):
        """Refers to a name that the host has to know of."""
        self.references.append(Reference(kind, name, self.name, *at))

    def get(self, table: dict, path: str, key: str, kind: type):
        """Returns the value of a key, if it has the type; says so where it has not."""
        value = table.get(key)
        is_fine = isinstance(value, kind) and (kind is not list or all(isinstance(item, str) for item in value))
        if value is None or is_fine:
            return value
        self.error(self.place(path, key), f"{key}: expected {WORDS[kind]}")
        return None

    def only(self, table: dict, path: str, known: list[str]):
        """Says of every key that is not known that it is not."""
        for key, value in table.items():
            if key not in known:
                at = self.place(key) if isinstance(value, dict) and not path else self.place(path, key)
                where = f"an option of [{path}]" if path else "known in this file"
                self.error(at, f"`{key}` is not {where}; there are {', '.join(known)}")

    def tables(self, name: str) -> list[tuple[str, dict]]:
        """Returns the tables in a table."""
        found = []
        tables = self.table.get(name, {})
        for key, value in tables.items() if isinstance(tables, dict) else []:
            if isinstance(value, dict):
                found.append((key, value))
            else:
                self.error(self.place(name, key), f"{key}: expected a table")
        return found

    def finish(self) -> Loaded:
        """Returns what the host is told; raises where there is an error."""
        if self.diagnostics:
            raise Err(Refused(self.diagnostics, self.references))
        return Loaded([], self.references)


__all__ = ["ConfigFile", "ReferenceKind"]
