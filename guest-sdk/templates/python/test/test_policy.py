import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "src"))

import config  # noqa: E402
from policy import Policy  # noqa: E402


class TestPolicy(unittest.TestCase):
    def test_capitals_alone_are_shouting_and_one_small_letter_is_none(self):
        refused = [Policy().shouts(subject) for subject in ["BUY NOW!", "Buy NOW!", "OK", ""]]
        self.assertEqual(refused, [True, False, False, False])

    def test_what_is_wrong_with_a_file_has_its_place(self):
        known = {"seen": str, "refuse_shouting": bool}
        told = [config.read(text, known)[1] for text in ["# x\nsean = 1", "seen = 1", "seen ="]]
        self.assertEqual([[line for line, _, _ in findings] for findings in told], [[2], [1], [1]])


if __name__ == "__main__":
    unittest.main()
