"""Normalises languages to one code: ISO 639-1 where there is one, else ISO 639-3."""

import re

from library.scanning.cleaning import clean_line

# ISO 639-1 code: ISO 639-2 codes, English name, own name
_LANGUAGES = """
af: afr afrikaans
ar: ara arabic العربية
az: aze azerbaijani
be: bel belarusian
bg: bul bulgarian български
bn: ben bengali bangla
bs: bos bosnian
ca: cat catalan català
cs: ces cze czech čeština
cy: cym wel welsh cymraeg
da: dan danish dansk
de: deu ger german deutsch
el: ell gre greek ελληνικά
en: eng english
eo: epo esperanto
es: spa spanish castilian español
et: est estonian eesti
eu: eus baq basque euskara
fa: fas per persian farsi فارسی
fi: fin finnish suomi
fo: fao faroese
fr: fra fre french français
ga: gle irish gaeilge
gd: gla gaelic
gl: glg galician galego
gu: guj gujarati
he: heb hebrew עברית
hi: hin hindi हिन्दी
hr: hrv croatian hrvatski
hu: hun hungarian magyar
hy: hye arm armenian
id: ind indonesian
is: isl ice icelandic íslenska
it: ita italian italiano
ja: jpn japanese 日本語
ka: kat geo georgian
kk: kaz kazakh
kn: kan kannada
ko: kor korean 한국어
la: lat latin latina
lb: ltz luxembourgish
lt: lit lithuanian lietuvių
lv: lav latvian latviešu
mk: mkd mac macedonian
ml: mal malayalam
mn: mon mongolian
mr: mar marathi
ms: msa may malay
nb: nob bokmål
nl: nld dut dutch flemish nederlands
nn: nno nynorsk
no: nor norwegian norsk
pa: pan punjabi panjabi
pl: pol polish polski
pt: por portuguese português
ro: ron rum romanian română
ru: rus russian русский
sa: san sanskrit
sk: slk slo slovak slovenčina
sl: slv slovenian slovene slovenščina
sq: sqi alb albanian shqip
sr: srp serbian српски
sv: swe swedish svenska
sw: swa swahili
ta: tam tamil
te: tel telugu
th: tha thai ไทย
tl: tgl tagalog filipino
tr: tur turkish türkçe
uk: ukr ukrainian українська
ur: urd urdu
uz: uzb uzbek
vi: vie vietnamese
yi: yid yiddish
zh: zho chi chinese mandarin 中文
zu: zul zulu
"""
_CODES = {
    name: code
    for code, names in (line.split(":") for line in _LANGUAGES.split("\n") if line)
    for name in (code, *names.split())
}
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis", "xxx", "unknown"})
_SUBTAG = re.compile(r"[-_ (,;/]")
_ISO_639_3 = re.compile(r"[a-z]{3}")


def normal_language(text: str) -> str | None:
    """Return the code of a language given as a code or name: "English", "eng", "en-US" → "en"; None if unknown."""
    whole = clean_line(text).casefold()
    first = _SUBTAG.split(whole)[0]
    if first in _NO_LANGUAGE:
        return None
    return _CODES.get(whole) or _CODES.get(first) or (first if _ISO_639_3.fullmatch(first) else None)
