"""Public chest X-ray sets: what is known of each, and how it comes here. What was fetched is brought in by `core.data.library`."""

from core.data.sources.catalogue import SOURCES, names, source
from core.data.sources.fetching import Progress, fetch, fetched, origin
from core.data.sources.spec import Source

__all__ = ["SOURCES", "Progress", "Source", "fetch", "fetched", "names", "origin", "source"]
