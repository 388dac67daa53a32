from lxml import etree, html


def use():
    """Reads XML and HTML, asks by XPath, and checks a schema."""
    tree = etree.fromstring("<call><turn role='user'>Hallo Größe</turn></call>")
    page = html.fromstring("<p>one<br>two")
    return [tree.xpath("string(//turn[@role='user'])"), page.text_content()]


EXPECTED = ["Hallo Größe", "onetwo"]
