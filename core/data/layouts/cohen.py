"""The metadata.csv of Cohen's collection (Cohen et al. 2020), and of those that keep its columns: Figure 1, Actualmed.

**Images.** Frontal X-rays are kept: modality X-ray (where that column is filled) and a view that begins with PA or AP (PA, AP, AP Supine,
AP Erect, AP semi erect …). CT and lateral rows are left out, each with its reason.

**Labels.** A finding is spelt as a path (Pneumonia/Viral/COVID-19), a list (COVID-19, ARDS) or a name (COVID-19), by age of the copy.
- a part that is COVID-19: `COVID-19`
- No Finding, Normal: `No Finding`
- a part that is, or ends in, Pneumonia, or that names what causes one (`GERMS`: SARS, Streptococcus …): `Pneumonia`
- todo, Unknown or nothing: left out
- anything else (ARDS, Tuberculosis …) keeps its first part as its name

**Sources.** The site in `url`: www.eurorad.org, radiopaedia.org …
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pandas as pd

COLUMNS = frozenset(("patientid", "finding", "view", "modality"))
"""By these the table is known; lower-case letters alone, as `tables` reads them."""
_FILES = ("filename", "imagename", "patientid")
"""What names the file; Figure 1 calls it after the patient, without a suffix."""
GERMS = frozenset(
    (
        *("sars", "mers", "merscov", "influenza", "h1n1", "varicella", "herpes", "viral", "bacterial", "fungal", "lipoid", "aspiration"),
        *("streptococcus", "klebsiella", "legionella", "mycoplasma", "chlamydophila", "ecoli", "nocardia", "staphylococcus", "mrsa"),
        *("pneumocystis", "aspergillosis"),
    )
)
_NOTHING = frozenset(("", "todo", "unknown", "nan"))


def rows(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The rows of a manifest, but for sha256, and why each is refused (empty: it is not). `table`: text, named as in COLUMNS."""
    table = table.map(str.strip)
    path = table[next(name for name in _FILES if name in table.columns)]
    if "folder" in table.columns:
        path = (table["folder"] + "/" + path).str.lstrip("/")
    found = pd.DataFrame(
        {
            "path": path,
            "label": table["finding"].map(label),
            "patient_id": table["patientid"],
            "source": table["url"].map(lambda url: urlsplit(url).netloc) if "url" in table.columns else "",
            "view": table["view"],
        }
    )
    refused = pd.Series("", index=table.index)
    refused[found["label"] == ""] = "no finding is named"
    frontal = table["view"].str.match(r"(?:PA|AP)\b", case=False)
    lateral = table["view"].str.match(r"L(?:ateral)?\b", case=False)
    refused[~frontal] = "not a frontal view: " + table["view"].replace("", "unknown")
    refused[lateral] = "a lateral view: " + table["view"]
    xray = table["modality"].str.casefold().isin(("", "x-ray", "xray", "x ray"))
    refused[~xray] = "not an X-ray: " + table["modality"]
    return found, refused


def label(finding: str) -> str:
    """The class that `finding` stands for; empty for none. The rule stands above."""
    parts = [part.strip() for part in re.split(r"[/,;]", finding)]
    words = [re.sub(r"[^a-z0-9]", "", part.casefold()) for part in parts]
    if words[0] in _NOTHING:
        return ""
    if "covid19" in words:
        return "COVID-19"
    if words[0] in ("nofinding", "nofindings", "normal"):
        return "No Finding"
    if any(word in GERMS or word.endswith("pneumonia") for word in words):
        return "Pneumonia"
    return parts[0]
