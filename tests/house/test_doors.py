"""Doors that what comes from outside must take: XML by one parser, archives by none."""

from __future__ import annotations

import ast

from tests.house.source import modules, refuse

PARSER = "formats.safe_xml"
READERS = ("XML", "fromstring", "fromstringlist", "parse", "iterparse", "XMLParser", "HTMLParser")
OTHER_PARSERS = ("xml", "xmlrpc", "lxml.html", "lxml.objectify", "plistlib")
UNPACKING = ("extract", "extractall", "unpack_archive")


def test_xml_is_parsed_in_one_place() -> None:
    refuse(
        module.at(node, ast.unparse(node))
        for module in modules()
        if module.name != PARSER
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in READERS
        and ast.unparse(node.value) in ("etree", "lxml.etree", "ElementTree", "ET")
    )
    refuse(
        module.at(node, f"imports {name}")
        for module in modules()
        for node, name in module.imports()
        if any(f"{name}.".startswith(f"{one}.") for one in OTHER_PARSERS)
        and not name.startswith("xml.sax.saxutils")  # only escapes
    )


def test_no_archive_is_unpacked_to_the_disk() -> None:
    refuse(
        module.at(node, ast.unparse(node))
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in UNPACKING
    )
