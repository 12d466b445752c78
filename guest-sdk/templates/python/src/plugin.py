"""Refuses mail that shouts, and marks the rest."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.configure import Diagnostic, File, Loaded, Refused, Severity
from wit_world.exports.message_received import Verdict_Accept
from wit_world.imports.message import Message
from wit_world.imports.types import Reply

import config
from policy import Policy

NAME = "{{name}}"

# Set by `Configure`, before any event. What an event leaves in here may be gone at the next.
policy = Policy()


class Configure(exports.Configure):
    def init(self, files: list[File]) -> Loaded:
        global policy
        if len(files) != 1:
            raise Err(Refused([error(None, None, None, f"this plugin takes one file, and got {len(files)}")], []))
        [file] = files
        try:
            text = file.content.decode()
        except UnicodeDecodeError:
            raise Err(Refused([error(file.name, None, None, "it is not UTF-8")], []))
        values, findings = config.read(text, {"seen": str, "refuse_shouting": bool})
        if findings:
            raise Err(Refused([error(file.name, *finding) for finding in findings], []))
        policy = Policy(**values)
        return Loaded([], [])


def error(file, line, column, message) -> Diagnostic:
    return Diagnostic(Severity.ERROR, file, line, column, message)


class MessageReceived(exports.MessageReceived):
    def message_received(self, message: Message):
        if policy.shouts(message.first_header("Subject") or ""):
            raise Err(Reply(550, "5.7.1", "please do not shout"))
        try:
            message.add_header(policy.seen, NAME)
        except Err:
            # The field's name comes from the file, and may be none.
            raise Err(Reply(550, "5.3.5", "wrong configuration"))
        return Verdict_Accept()
