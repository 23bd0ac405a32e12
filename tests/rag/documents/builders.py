"""Documents made for tests: PDFs and EPUBs in memory."""

import io
import zipfile
from collections.abc import Mapping, Sequence

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""

PAGE = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{}</body></html>'


def pdf(
    pages: Sequence[str], *, title: str = "", headings: Mapping[int, str] | None = None, password: str = ""
) -> bytes:
    """Each page shows its lines; `headings` become the outline, by page number from 0."""
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(595, 842)
        lines = "".join(f"({line}) Tj T* " for line in text.split("\n")) if text else ""
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 14 TL 50 800 Td {lines}ET".encode("latin-1"))
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        page[NameObject("/Contents")] = writer._add_object(stream)
    for number, heading in (headings or {}).items():
        writer.add_outline_item(title=heading, page_number=number)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def epub(
    chapters: Sequence[str], *, title: str = "A Book", toc: Sequence[str] = (), more: Mapping[str, bytes] | None = None
) -> bytes:
    """Chapters are XHTML bodies; `toc` names them in an NCX; `more` are other entries or other contents."""
    items = "".join(
        f'<item id="c{number}" href="c{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in range(len(chapters))
    )
    refs = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    package = f"""<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="2.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></metadata>
<manifest>{items}<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest>
<spine toc="ncx">{refs}</spine></package>"""
    points = "".join(
        f'<navPoint id="n{number}"><navLabel><text>{name}</text></navLabel><content src="c{number}.xhtml"/></navPoint>'
        for number, name in enumerate(toc)
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        contents: dict[str, str | bytes] = {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/book.opf": package,
            "OEBPS/toc.ncx": f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>',
            **{f"OEBPS/c{number}.xhtml": PAGE.format(body) for number, body in enumerate(chapters)},
            **(more or {}),
        }
        for name, content in contents.items():
            archive.writestr(name, content)
    return written.getvalue()
