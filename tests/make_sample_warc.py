"""Writes raw/sample/2024-10-15/crawl.warc.gz, a small crawl with fixed dates and record ids.

Run it from anywhere, with warcio installed:

    python tests/make_sample_warc.py [OUTPUT]

Two runs give the same bytes, as long as the same zlib compresses them. The crawl holds, in this order:
warcinfo; a request; its response, an article; a second article in ISO-8859-1, which only the HTTP header
says; a 404 response; an image.
"""

import base64
import sys
from io import BytesIO
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

OUTPUT = Path(__file__).parents[1] / "raw" / "sample" / "2024-10-15" / "crawl.warc.gz"

SITE = "https://www.harborledger.example"
LIGHTHOUSE = f"{SITE}/news/2024/10/14/lighthouse-keeper?ref=front&utm_source=homepage"
RESTAURANT = f"{SITE}/food/2024/10/14/cafe-belisaire"
MISSING = f"{SITE}/news/2024/10/02/harbor-dance"
IMAGE = f"{SITE}/img/dot.png"

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

LIGHTHOUSE_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Last keeper of Hob Light turns 100 | Harbor Ledger</title>
<meta property="og:site_name" content="Harbor Ledger">
<meta property="og:url" content="https://www.harborledger.example/news/2024/10/14/lighthouse-keeper?utm_source=og">
<link rel="canonical" href="https://www.harborledger.example/news/2024/10/14/lighthouse-keeper">
<script type="application/ld+json">
{"@context": "https://schema.org", "@type": "NewsArticle", "headline": "Last keeper of Hob Light turns 100",
 "author": {"@type": "Person", "name": "Jane Roe"}, "datePublished": "2024-10-14T21:05:00-04:00",
 "publisher": {"@type": "Organization", "name": "Harbor Ledger"}}
</script>
</head>
<body>
<div class="cookie-bar">This website uses cookies. <button>OK</button></div>
<nav><a href="/">Home</a> <a href="/news">News</a> <a href="/food">Food</a> <a href="/tides">Tides</a></nav>
<article>
<h1>Last keeper of Hob Light turns 100</h1>
<p class="byline">By Jane Roe</p>
<p>LITTLE HOB — Nathaniel Greave climbed the 88 steps of Hob Light on Monday afternoon, as he had done every
day from March 1951 until the lamp was automated in 1983, and sat down at the top to catch his breath. He
had turned 100 that morning.</p>
<p>“They told me there would be cake,” Mr. Greave said. “They did not say where.”</p>
<p>There was cake, and there were 140 guests, most of whom had waited two weeks for a boat. The ferries have
not sailed since Sept. 28, so lobstermen brought the party over from the mainland in six trips, the last of
which arrived in the rain.</p>
<p class="ad">Advertisement</p>
<p>Greave was born on the island on Oct. 14, 1924, and left it only once for more than a month, when he
served on a minesweeper. In 1968 he rowed out alone to a burning coaster and brought back four men. He has
never cared to talk about it. Wilhelmina Stroud, the island’s postmistress, read aloud a letter from the son
of one of them.</p>
<p>“My father named me after you,” the letter said. “I have been told that it was the least he could
do.”</p>
<p>The light now belongs to the Sound Islands Trust, which hopes to open it to visitors next summer. Its
treasurer, Col. Barnaby Whitlock, said that the trust still needed $95,000. The lamp was last cleaned in
2022.</p>
<p>Mr. Greave offered to do it himself. “I still have the cloth,” he said.</p>
</article>
<div class="share">Share this post: <a href="#">Email</a> <a href="#">Print</a></div>
<section><h3>You May Also Like</h3>
<a href="/news/2024/10/13/net-warehouse-fire">Fire destroys warehouse</a></section>
<form class="comments"><textarea placeholder="Please enter your comment!"></textarea></form>
<footer>Sign up for Daily Newsletters. © 2024 Harbor Ledger</footer>
</body>
</html>
"""

RESTAURANT_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<title>Café Bélisaire closes after 71 years | Harbor Ledger</title>
<meta name="author" content="Théodore Nuñez">
<meta property="article:published_time" content="2024-10-14T23:40:00-04:00">
<link rel="canonical" href="https://www.harborledger.example/food/2024/10/14/cafe-belisaire">
</head>
<body>
<nav><a href="/">Home</a> <a href="/news">News</a> <a href="/food">Food</a> <a href="/tides">Tides</a></nav>
<article>
<h1>Café Bélisaire closes after 71 years</h1>
<p>By Théodore Nuñez</p>
<p>PORT ELLERY - Café Bélisaire, where three generations of pilots drank their first coffee of the day, will
serve its last one on Oct. 31. The owners, Anaïs and Gérard Bélisaire, told their customers on Monday that
they had sold the building to a chandler.</p>
<p>"We are not sad, we are tired," said Anaïs Bélisaire, 74, who took over the counter from her
mother-in-law in 1979. Her husband, 77, has baked the café's almond cake at four o'clock every morning since
then, except for a week in January 1994, when he broke an ankle.</p>
<p>The café was opened in May 1953 by Gérard's father, Honoré, a ship's cook from the far side of the ocean
who had missed his boat. He paid the first month's rent in soup.</p>
<p>Regulars have begun to carry away what they can. Harbor Master Aleksander Brandvik has been promised the
barometer that hangs beside the door. The brass rail goes to the Seamen's Hall, and the coffee machine to
the Bélisaires' daughter, Noémie, who runs a bakery 60 miles inland.</p>
<p>The recipe for the cake is not for sale. Last week a company from the capital offered $25,000 for it, Mr.
Bélisaire said. "I told them that it is butter," he said. "They did not believe me."</p>
<p>A farewell dinner on Oct. 30 was sold out within two hours.</p>
</article>
<footer>Sign up for Daily Newsletters. Harbor Ledger</footer>
</body>
</html>
"""

MISSING_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Page not found | Harbor Ledger</title></head>
<body><h1>Page not found</h1>
<p>The page you are looking for may have been moved. Try the search above.</p></body>
</html>
"""


class Crawl:
    """Writes records with ids and dates that follow from their place in the file."""

    def __init__(self, writer: WARCWriter) -> None:
        self.writer = writer
        self.records = 0

    def add(self, kind: str, uri: str, payload: bytes, http: StatusAndHeaders | None = None) -> None:
        self.records += 1
        headers = {
            "WARC-Record-ID": f"<urn:uuid:7d2f0c1e-5b0a-4c6e-9a41-{self.records:012x}>",
            "WARC-Date": f"2024-10-15T04:11:{self.records:02d}Z",
        }
        if kind == "warcinfo":
            headers["WARC-Filename"] = OUTPUT.name
        record = self.writer.create_warc_record(
            uri,
            kind,
            payload=BytesIO(payload),
            length=len(payload),
            warc_headers_dict=headers,
            http_headers=http,
        )
        self.writer.write_record(record)

    def response(self, uri: str, content_type: str, body: bytes, status: str = "200 OK") -> None:
        fields = [
            ("Server", "nginx"),
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
        ]
        self.add("response", uri, body, StatusAndHeaders(status, fields, protocol="HTTP/1.1"))


def write(path: Path) -> None:
    with path.open("wb") as out:
        crawl = Crawl(WARCWriter(out, gzip=True))
        crawl.add("warcinfo", "", b"software: newsfetch/2.1\r\nformat: WARC File Format 1.0\r\n")
        target = LIGHTHOUSE.removeprefix(SITE)
        fields = [
            ("Host", SITE.removeprefix("https://")),
            ("User-Agent", "newsfetch/2.1"),
            ("Accept", "text/html"),
        ]
        crawl.add(
            "request",
            LIGHTHOUSE,
            b"",
            StatusAndHeaders(f"GET {target} HTTP/1.1", fields, is_http_request=True),
        )
        crawl.response(LIGHTHOUSE, "text/html; charset=utf-8", LIGHTHOUSE_PAGE.encode())
        crawl.response(RESTAURANT, "text/html; charset=ISO-8859-1", RESTAURANT_PAGE.encode("iso-8859-1"))
        crawl.response(MISSING, "text/html; charset=utf-8", MISSING_PAGE.encode(), "404 Not Found")
        crawl.response(IMAGE, "image/png", PNG)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
