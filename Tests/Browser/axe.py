"""Looks whether everybody can use a page: what axe can tell of WCAG 2.2 AA."""

from axe_playwright_python.sync_playwright import Axe

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page):
    """What axe finds wrong, a line each; and the response with what it could not decide."""
    found = Axe().run(page, options={"runOnly": RULES})
    wrong = [
        f"{item['id']}: {node['target']} {node.get('failureSummary', '')}"
        for item in found.response["violations"]
        for node in item["nodes"]
    ]
    return wrong, found.response


def small_targets(page):
    """Buttons and fields under 24 by 24 pixels (WCAG 2.5.8)."""
    return page.evaluate(
        """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary')]
            .filter(e => e.checkVisibility() && !e.closest('.hidden'))
            .filter(e => { const r = e.getBoundingClientRect(); return r.width < 24 || r.height < 24 })
            .filter(e => !e.closest('label')).map(e => e.outerHTML.slice(0, 80))"""
    )
