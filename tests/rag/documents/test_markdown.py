"""Markdown of the usual site builders becomes readable text with its headings."""

from rag.documents.bounds import Bounds
from rag.documents.reading import read_document
from rag.documents.text import DocumentText, Section


def read(source: str, name: str = "guide.md") -> DocumentText:
    return read_document(source.encode(), name, Bounds())


def test_headings_become_sections_that_cover_the_text() -> None:
    document = read("All.\n\n# Guide\n\nOne.\n\n## Paths {#paths}\n\nTwo\nrows.\n\n# Other\n")
    assert document == DocumentText(
        "Guide",
        "All.\n\nGuide\n\nOne.\n\nPaths\n\nTwo rows.\n\nOther",
        (
            Section((), 0, 0, 6),
            Section(("Guide",), 1, 6, 19),
            Section(("Guide", "Paths"), 2, 19, 37),
            Section(("Other",), 1, 37, 42),
        ),
        "en",
    )


def test_the_title_of_the_front_matter_is_the_documents_and_is_not_in_its_text() -> None:
    document = read("---\ntitle: Hard links\nurl: 'javascript:alert(1)'\n---\n\nThey need one file system.")
    assert (document.title, document.url, document.text) == ("Hard links", None, "They need one file system.")


def test_front_matter_that_is_no_yaml_is_left_out() -> None:
    document = read("---\ntitle: [\n---\nText.", "my_own-notes.md")
    assert (document.title, document.text) == ("my own notes", "Text.")


def test_lists_code_and_tables_stay_whole_and_readable() -> None:
    source = (
        "1. First\n2. Second\n    - inner *one*\n\n```yaml\nkey: |\n  # no heading\n```\n\n"
        "| Name | Path |\n|---|:-:|\n| qBittorrent | `/data` |\n"
    )
    assert read(source).text == (
        "1) First\n2) Second\n  - inner one\n\n```\nkey: |\n  # no heading\n```\n\n"
        "| Name | Path |\n| qBittorrent | /data |"
    )


def test_admonitions_of_every_builder_become_a_label_and_their_content() -> None:
    mkdocs = '!!! warning "Mind the path"\n\n    It must be *one* volume.\n\n    ```\n    /data\n    ```\n\nAfter.'
    assert read(mkdocs).text == "Warning: Mind the path\n\nIt must be one volume.\n\n```\n/data\n```\n\nAfter."
    assert read(":::tip[Good to know]\nRead **on**.\n:::\n\nAfter.").text == "Tip: Good to know\n\nRead on.\n\nAfter."
    assert read("> [!NOTE]\n> Heed this.").text == "Note:\n\nHeed this."
    assert read('=== "Docker"\n\n    Run it.').text == "Docker\n\nRun it."


def test_html_within_is_text_and_scripts_are_gone() -> None:
    source = (
        "A <b>bold</b> word<br>and a line.\n\n<details><summary>More</summary>\n\nHidden *text*.\n\n</details>\n\n"
        "<script>\nalert(1)\n\nalert(2)\n</script>\n\n<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"
    )
    assert read(source).text == "A bold word\nand a line.\n\nMore\n\nHidden text.\n\n| a |\n| 1 |"


def test_modules_of_mdx_are_no_text() -> None:
    assert read("import Tabs from '@theme/Tabs';\n\n# Page\n\nText.", "page.mdx").text == "Page\n\nText."


def test_prose_cannot_be_taken_for_a_table_or_a_listing() -> None:
    assert read("\\| a | b |\n\n    ```\n    x\n").text == "¦ a | b |\n\n```\n``\nx\n```"
