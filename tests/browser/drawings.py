"""What axe does not see, since it does not look into drawings: texts of plots that are too pale, cut off, or lie over each other."""

from __future__ import annotations

from playwright.sync_api import Page

PALE = """() => {
    const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const luminance = colour => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).map(value => linear(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    const ground = luminance(getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor);
    const texts = [...document.querySelectorAll('.js-plotly-plot :is(.xtick, .ytick, .g-xtitle, .g-ytitle) text')];
    return texts.filter(text => {
        const own = luminance(getComputedStyle(text).fill);
        return Math.max(own, ground) / Math.min(own, ground) < 4.5;
    }).map(text => text.textContent);
}"""
TANGLED = """() => {
    const box = element => element.getBoundingClientRect();
    const meet = (a, b, slack) => Math.max(a.left, b.left) < Math.min(a.right, b.right) - slack
        && Math.max(a.top, b.top) < Math.min(a.bottom, b.bottom) - slack;
    const within = (a, b) => a.left > b.left - 1 && a.right < b.right + 1 && a.top > b.top - 1 && a.bottom < b.bottom + 1;
    const leans = text => /rotate\\((?!0[,)])/.test(text.getAttribute('transform') ?? '');
    const found = [];
    for (const plot of document.querySelectorAll('.js-plotly-plot')) {
        if (!plot.checkVisibility()) continue;
        const texts = [...plot.querySelectorAll('svg.main-svg text')].filter(text => text.checkVisibility() && box(text).width);
        for (const text of texts)
            if (!within(box(text), box(plot))) found.push(`the text “${text.textContent}” of a plot is cut off`);
        const upright = texts.filter(text => !leans(text));  // the box around a leaning text is mostly empty
        for (const [number, one] of upright.entries())
            for (const other of upright.slice(number + 1))
                if (meet(box(one), box(other), 2)) found.push(`“${one.textContent}” lies over “${other.textContent}” in a plot`);
        for (const legend of plot.querySelectorAll('.legend')) {
            if ([...plot.querySelectorAll('.nsewdrag')].some(area => meet(box(legend), box(area), 1)))
                found.push(`the legend “${legend.textContent}” lies over its plot`);
            if (box(legend.querySelector('.scrollbar')).height) found.push(`the legend “${legend.textContent}” must be scrolled`);
        }
    }
    return found;
}"""


def faults(tab: Page) -> list[str]:
    """A line each, of every plot that is on the page."""
    return [f"the axis text “{text}” is too pale" for text in tab.evaluate(PALE)] + tab.evaluate(TANGLED)
