"""What is known of a public data set before it is here: whose it is, under which licence, how it comes, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core import wording
from core.data.vocabulary import canonical

UNPUBLISHED = "not published"


@dataclass(frozen=True)
class Archive:
    """A ZIP archive by HTTPS. Size and hash are checked where they are published; an address that names a commit pins the content."""

    url: str
    inner: str = ""  # the folder in it that is imported, with /
    table: str = ""  # how `arranging` reads the labels; "" where the import does
    bytes: int | None = None
    sha256: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Kaggle:
    """A version of a data set on Kaggle, fetched by kagglehub into its own cache, which other projects share."""

    handle: str  # "owner/dataset"
    version: int
    inner: tuple[str, ...] = ()  # the folder that is imported: the first of these that is there
    table: str = ""

    @property
    def url(self) -> str:
        return f"https://www.kaggle.com/datasets/{self.handle}/versions/{self.version}"


@dataclass(frozen=True)
class MedMnist:
    """A file of MedMNIST; address and MD5 are those of the medmnist package."""

    flag: str
    pixels: int  # a side

    @property
    def file(self) -> str:
        return f"{self.flag}{'' if self.pixels == 28 else f'_{self.pixels}'}.npz"


@dataclass(frozen=True)
class Part:
    """`count` images (None: all) of the class `label` of another source, or of all classes of one canonical name."""

    source: str
    label: str  # canonical, as `core.data.vocabulary` has it
    count: int | None = None


@dataclass(frozen=True)
class Composed:
    """Built here from sets that are imported already; `published` is what the paper counted, class by class."""

    parts: tuple[Part, ...]
    published: Mapping[str, int]

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the sources it is built from."""
        return tuple(dict.fromkeys(part.source for part in self.parts))


@dataclass(frozen=True)
class Drawn:
    """Drawn by the app itself."""


Way = Archive | Kaggle | MedMnist | Composed | Drawn


@dataclass(frozen=True)
class Source:
    """A public data set. Empty and None mean: not published, or not known for certain; nothing is guessed."""

    name: str  # also the name it is imported under
    title: str
    way: Way
    homepage: str
    citation: str
    layout: str  # what the import will find
    licence: str = ""
    images: int | None = None
    classes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    patients: int | None = None
    bytes: int | None = None  # to fetch, roughly
    cautions: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """How it comes, for people."""
        match self.way:
            case Archive(url=url):
                return f"archive by HTTPS from {url}"
            case Kaggle(handle=handle, version=version):
                return f"Kaggle data set {handle}, version {version}, by kagglehub"
            case MedMnist() as way:
                return f"{way.file}, from the address that the medmnist package gives, with its MD5"
            case Composed() as way:
                return f"built here from {', '.join(way.needs)}, which must be imported first"
            case Drawn():
                return "drawn by this app"

    def facts(self) -> dict[str, str]:
        """Everything about it by its name, for people; "not published" where nothing is."""
        counts = ", ".join(f"{label} {count:,}" for label, count in self.classes.items())
        return {
            "Licence": self.licence or UNPUBLISHED,
            "Size to fetch": UNPUBLISHED if self.bytes is None else wording.size(self.bytes),
            "Images": UNPUBLISHED if self.images is None else f"{self.images:,}",
            "Classes": counts or UNPUBLISHED,
            "Patients": UNPUBLISHED if self.patients is None else f"{self.patients:,}",
            "Layout": self.layout,
            "How it comes": self.how,
            "To be cited": self.citation,
            "Homepage": self.homepage,
        }

    def progress(self, done: int, total: int) -> str:
        """How far fetching it is, for people; `total` is 0 where it is unknown."""
        if isinstance(self.way, Composed | Drawn):
            return f"{done:,} of {total:,} images"
        if not done and not total:
            return "waiting"
        return f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB" if total else f"{done / 1e6:,.1f} MB"

    def deviations(self, classes: Mapping[str, int]) -> list[str]:
        """How the counts of what was imported differ from the published ones, whichever way the classes are spelt; [] where none does."""
        if not self.classes:
            return []
        found, said = (Counter[str]() for _ in range(2))
        for counts, spelt in ((found, classes), (said, self.classes)):
            for label, count in spelt.items():
                counts[canonical(label)] += count
        different = [name for name in sorted(found.keys() | said.keys()) if found[name] != said[name]]
        return [f"{name}: {found[name]:,} imported, {said[name]:,} published" for name in different]
