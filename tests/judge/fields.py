"""Messages described as their specification describes them: name, offset, length, type."""

from types import SimpleNamespace


class Malformed(Exception):
    """A message that its specification's table does not describe."""


class Layout:
    """One message type: its fields as the specification's table lists them, behind the type byte.

    `appendage` says that a list of tag-value elements follows, whose byte count is the last field.
    """

    def __init__(self, name, size, fields, appendage=False):
        self.name, self.size, self.fields, self.appendage = name, size, fields, appendage
        at = 1
        for field, offset, length, _ in fields:
            assert offset == at, f"{name}.{field} is at {offset}, the field before it ends at {at}"
            at += length
        assert at == size, f"{name} ends at {at}, specified are {size}"

    def decode(self, data):
        if len(data) < self.size or (len(data) != self.size and not self.appendage):
            raise Malformed(f"{self.name} of {len(data)} bytes, specified are {self.size}")
        values = SimpleNamespace(type=chr(data[0]), name=self.name)
        for field, offset, length, kind in self.fields:
            raw = data[offset : offset + length]
            setattr(values, field, raw.decode("ascii").rstrip(" ") if kind == "alpha" else int.from_bytes(raw, "big"))
        if self.appendage:
            values.options = options(data[self.size :], values.appendage_length, self.name)
        return values


def options(data, length, name):
    """The tag-value elements of an appendage: {tag: value bytes}."""
    if len(data) != length:
        raise Malformed(f"{name}: appendage of {len(data)} bytes, its length field says {length}")
    found, at = {}, 0
    while at < length:
        size = data[at]
        if size < 1 or at + 1 + size > length:
            raise Malformed(f"{name}: element of {size} bytes at {at} of {length}")
        tag = data[at + 1]
        if tag in found:
            raise Malformed(f"{name}: tag {tag} twice")
        found[tag] = data[at + 2 : at + 1 + size]
        at += 1 + size
    return found
