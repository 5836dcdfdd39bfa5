"""The part of XML Schema that ``junit.xsd`` uses, so that its tests need no library for it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

XS = "{http://www.w3.org/2001/XMLSchema}"

_SIMPLE: dict[str, Callable[[str], bool]] = {
    "xs:string": lambda _: True,
    "xs:token": lambda text: text == " ".join(text.split()),
    "xs:decimal": lambda text: re.fullmatch(r"[-+]?\d+(\.\d*)?", text) is not None,
    "xs:nonNegativeInteger": lambda text: re.fullmatch(r"\d+", text) is not None,
    "xs:dateTime": lambda text: re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text) is not None,
}


class Schema:
    """A schema, read from a file."""

    def __init__(self, path: Path) -> None:
        root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
        self._types = {one.get("name", ""): one for one in root if one.tag != f"{XS}element"}
        self._roots = {one.get("name", ""): one for one in root if one.tag == f"{XS}element"}

    def faults(self, text: str) -> list[str]:
        """What is wrong with a document; empty for a valid one."""
        root = ET.fromstring(text)  # noqa: S314 - our own document
        if root.tag not in self._roots:
            return [f"<{root.tag}> is no root"]
        declared = self._roots[root.tag].find(f"{XS}complexType")
        assert declared is not None
        return list(self._complex(root, declared, root.tag))

    def _element(self, found: ET.Element, type_name: str, path: str) -> Iterator[str]:
        declared = self._types.get(type_name)
        if declared is not None and declared.tag == f"{XS}complexType":
            yield from self._complex(found, declared, path)
            return
        if len(found) or found.attrib:
            yield f"{path}: text only"
        yield from self._text(found.text or "", type_name, path)

    def _complex(self, found: ET.Element, declared: ET.Element, path: str) -> Iterator[str]:
        extended = declared.find(f"{XS}simpleContent/{XS}extension")
        if extended is not None:
            if len(found):
                yield f"{path}: no elements are allowed"
            yield from self._text(found.text or "", extended.get("base", ""), path)
            yield from self._attributes(found, extended, path)
            return
        if (found.text or "").strip() or any((one.tail or "").strip() for one in found):
            yield f"{path}: no text is allowed"
        yield from self._attributes(found, declared, path)
        yield from self._children(found, declared, path)

    def _attributes(self, found: ET.Element, declared: ET.Element, path: str) -> Iterator[str]:
        known = {one.get("name", ""): one for one in declared.findall(f"{XS}attribute")}
        for name, value in found.attrib.items():
            if name not in known:
                yield f"{path}/@{name}: not allowed"
            else:
                yield from self._text(value, known[name].get("type", ""), f"{path}/@{name}")
        for name, one in known.items():
            if one.get("use") == "required" and name not in found.attrib:
                yield f"{path}/@{name}: missing"

    def _children(self, found: ET.Element, declared: ET.Element, path: str) -> Iterator[str]:
        order, choice = declared.find(f"{XS}sequence"), declared.find(f"{XS}choice")
        children = list(found)
        if choice is not None:
            allowed = {one.get("name", ""): one for one in choice}
            if len(children) > 1:
                yield f"{path}: at most one of {', '.join(allowed)}"
            order = [allowed[one.tag] for one in children[:1] if one.tag in allowed]
        for one in order if order is not None else ():
            name, type_name = one.get("name", ""), one.get("type", "")
            least, most = int(one.get("minOccurs", "1")), one.get("maxOccurs", "1")
            count = 0
            while children and children[0].tag == name and (most == "unbounded" or count < int(most)):
                count += 1
                yield from self._element(children.pop(0), type_name, f"{path}/{name}[{count}]")
            if count < least:
                yield f"{path}: <{name}> is missing"
        yield from (f"{path}: <{one.tag}> is not expected here" for one in children)

    def _text(self, text: str, type_name: str, path: str) -> Iterator[str]:
        declared = self._types.get(type_name)
        if declared is None:
            if not _SIMPLE[type_name](text):
                yield f"{path}: {text!r} is no {type_name}"
            return
        limited = declared.find(f"{XS}restriction")
        assert limited is not None
        yield from self._text(text, limited.get("base", ""), path)
        least, pattern = limited.find(f"{XS}minLength"), limited.find(f"{XS}pattern")
        if least is not None and len(text) < int(least.get("value", "0")):
            yield f"{path}: {text!r} is too short"
        if pattern is not None and not re.fullmatch(pattern.get("value", ""), text):
            yield f"{path}: {text!r} does not match"
