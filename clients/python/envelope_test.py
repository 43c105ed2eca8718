"""Plays the test vectors of messages: python3 clients/python/envelope_test.py"""

import json
import unittest
from pathlib import Path

from envelope import BadMessage, decode

VECTORS = Path(__file__).parents[2] / "test/protocol/vectors/messages.json"


def is_left_to_servers(vector):
    """Limits of a server, names that a server refuses, and credentials: a client decides these elsewhere, or not at all."""
    refused = vector["verdict"].get("refused")
    return refused in ("too_deep", "reserved_event") or vector["name"].startswith("$auth without")


class Vectors(unittest.TestCase):
    def test_messages(self):
        vectors = [each for each in json.loads(VECTORS.read_text("utf-8"))["vectors"] if not is_left_to_servers(each)]
        for vector in vectors:
            with self.subTest(f"{vector['rule']} {vector['name']}"):
                raw = bytes.fromhex(vector["hex"]) if "hex" in vector else vector["text"].encode()
                if "refused" in vector["verdict"]:
                    with self.assertRaises(BadMessage) as caught:
                        decode(raw)
                    self.assertEqual(caught.exception.code, vector["verdict"]["refused"])
                else:
                    # as JSON: True and 1 are equal in Python
                    accepted = json.dumps(vector["verdict"]["accepted"], sort_keys=True)
                    self.assertEqual(json.dumps(decode(raw), sort_keys=True), accepted)
        print(f"{len(vectors)} vectors")

    def test_a_message_that_is_nested_too_deep_for_python(self):
        with self.assertRaises(BadMessage):
            decode('{"event":"a","data":' + "[" * 100_000)


if __name__ == "__main__":
    unittest.main()
