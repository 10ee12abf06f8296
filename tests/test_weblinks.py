"""What is a link to the web: one rule for whatever staff paste, wherever they paste it."""

from __future__ import annotations

import pytest
from flask import Flask

from registration import weblinks
from registration.weblinks import LinkRefused


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org",
        "http://example.org/",
        "HTTPS://EXAMPLE.ORG/A",
        "https://example.org.:8443/a/b;c?d=e@f&g=h:i#j",
        "https://bücher.example/größe",
        "https://bu\u0308cher.example/",  # as a Mac writes it
        "https://例え.テスト/",
        "https://пример.рф:443/",
        "https://xn--bcher-kva.example/",
        "https://r3---sn-4g5e.googlevideo.example/",
        "https://my_bucket.s3.example.org/slides.pdf",
        "https://meetings/hall",
        "http://localhost:5000/",
        "http://192.0.2.7:65535/",
        "https://[2001:db8::1]:443/",
        "https://example.org:1/",
        f"https://{'a.' * 123}example/",  # as long as a name may be
    ],
)
def test_what_leads_to_a_page_is_a_link(app: Flask, link: str) -> None:
    weblinks.check(link)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "nonsense",
        "example.org/page",
        "/events/other",
        "//example.org/page",
        "https:///page",
        "https:example.org",
        "https://",
        "https://https://example.org",
        "ftp://example.org/",
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "mailto:a@example.org",
        "https://bank.example@evil.example",
        "https://bank.example:443@evil.example",
        "https://@example.org",
        "https://good.example\\@evil.example",
        "https://evil.example\\.good.example/",
        "https://example.org:99999/",
        "https://example.org:65536/",
        "https://example.org:0/",
        "https://example.org:/",
        "https://example.org:-1/",
        "https://example.org:٨٠/",
        "https://example..org/",
        "https://bücher..example/",
        "https://.example.org/",
        "https://-example.org/",
        "https://example-.org/",
        "https://exa mple.org/",
        "https://exam\tple.org/",
        "https://example.org/a\nb",
        "https://exa%6dple.org/",
        "https://exa{m}ple.org/",
        "https://<example>.org/",
        "https://256.1.1.1/",
        "https://1.2.3/",
        "https://0x7f.1/",
        "https://[nonsense]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1]example.org/",
        f"https://{'a' * 64}.example.org/",
        f"https://{'a.' * 123}examples/",
    ],
)
def test_what_only_looks_like_a_link_is_none_and_what_to_do_is_said(app: Flask, link: str) -> None:
    with pytest.raises(LinkRefused, match="Enter a full web address, like"):
        weblinks.check(link)
