"""What is decided, in plain Python: nothing here knows of Wasm, so `python3 -m unittest` can try it."""

from dataclasses import dataclass


@dataclass
class Policy:
    """The file, read."""

    seen: str = "X-Seen-By"
    refuse_shouting: bool = True

    def shouts(self, subject: str) -> bool:
        """Returns whether a subject is in capitals alone."""
        letters = [c for c in subject if c.isalpha()]
        return self.refuse_shouting and len(letters) >= 5 and all(c.isupper() for c in letters)
