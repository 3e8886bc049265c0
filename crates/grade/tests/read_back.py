"""Reads the reports in a folder with Python's standard library, and says what it found as JSON.

A report that a strict reader refuses makes this end with a traceback.
"""

import csv
import json
import pathlib
import sys
import xml.etree.ElementTree as xml
from html.parser import HTMLParser

# What the page is made of. Anything else, or an attribute that is not listed, came from a student.
TAGS = set(
    "html meta title style main script header section p h1 h2 h3 dl dt dd div ul ol li i b span"
    " small code bdi br a table thead tbody tr th td details summary pre".split()
)
ATTRIBUTES = set(
    "lang charset http-equiv content name nonce class style title role aria-label tabindex id"
    " href scope".split()
)


class Page(HTMLParser):
    """Collects what in a page is neither ours nor harmless."""

    def __init__(self):
        super().__init__()
        self.strange = []
        self.scripts = 0
        self.links = set()
        self.ids = set()
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        if tag not in TAGS:
            self.strange.append(tag)
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.strange.append(f"{tag} {name}")
            if name == "href":
                self.links.add(value)
            if name == "id":
                self.ids.add("#" + value)

    def handle_data(self, data):
        self.text.append(data)


def table(file):
    with open(file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened, strict=True))


def suite(element):
    kinds = {"failure": 0, "error": 0, "skipped": 0}
    for case in element.iter("testcase"):
        for kind in kinds:
            kinds[kind] += len(case.findall(kind))
    counts = [int(element.get(name)) for name in ("failures", "errors", "skipped")]
    assert counts == list(kinds.values()), (element.get("name"), counts, kinds)
    properties = element.find("properties").iter("property")
    return {
        "name": element.get("name"),
        "tests": int(element.get("tests")),
        **kinds,
        "properties": {one.get("name"): one.get("value") for one in properties},
    }


def main(folder):
    page = Page()
    page.feed((folder / "class.html").read_text(encoding="utf-8"))
    page.close()
    broken = sorted(page.links - page.ids)
    found = {
        "results": json.loads((folder / "results.json").read_text(encoding="utf-8")),
        "long": table(folder / "long.csv"),
        "wide": table(folder / "wide.csv"),
        "suites": [suite(one) for one in xml.parse(folder / "junit.xml").iter("testsuite")],
        "page": {"strange": page.strange, "scripts": page.scripts, "broken": broken,
                 "text": "".join(page.text)},
        "gradescope": len([json.loads(f.read_bytes()) for f in folder.glob("gradescope/*")]),
        "classroom50": len([json.loads(f.read_bytes()) for f in folder.glob("classroom50/*")]),
    }
    json.dump(found, sys.stdout)


main(pathlib.Path(sys.argv[1]))
