"""The public sets this app knows. Counts, hashes and licences are those their publishers state; what they do not state is left empty."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.data import phantom
from core.data.sources.spec import Archive, Composed, Drawn, Kaggle, MedMnist, Part, Source
from core.data.vocabulary import COVID, NORMAL, PNEUMONIA
from core.errors import UnknownName

_PATIENTS_UNKNOWN = "Patients are not named: images of one patient may stand in training and test."
_MIXED = "Children’s X-rays (Kermany) stand beside adults’: age and hospital tell the classes apart as well as disease does."


def _github(repository: str, commit: str, inner: str = "", table: str = "") -> Archive:
    root = f"{repository.split('/')[1]}-{commit}"
    return Archive(f"https://github.com/{repository}/archive/{commit}.zip", f"{root}/{inner}".rstrip("/"), table)


def _counted(**classes: int) -> MappingProxyType[str, int]:
    return MappingProxyType({name.replace("_", " "): count for name, count in classes.items()})


_RADIOGRAPHY = "https://www.kaggle.com/datasets/tawsifurrahman/covid19-radiography-database"
_RADIOGRAPHY_CITATION = (
    "Chowdhury et al., Can AI help in screening viral and COVID-19 pneumonia?, IEEE Access 8 (2020) 132665–132676; "
    "Rahman et al., Exploring the effect of image enhancement techniques on COVID-19 detection, arXiv:2012.02238."
)
_KERMANY_CITATION = (
    "Kermany, Zhang, Goldbaum, Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images for Classification, "
    "Mendeley Data V2 (2018), doi:10.17632/rscbjbr9sj.2."
)
_MEDMNIST_CITATION = (
    "Yang et al., MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical image classification, "
    "Scientific Data 10 (2023) 41, doi:10.1038/s41597-022-01721-8"
)

_KAGGLE = (
    Source(
        name="covid19-radiography",
        title="COVID-19 Radiography Database (21,165 images)",
        way=Kaggle("tawsifurrahman/covid19-radiography-database", 5, ("COVID-19_Radiography_Dataset",)),
        homepage=_RADIOGRAPHY,
        citation=_RADIOGRAPHY_CITATION,
        layout="images/ beside masks/ in each class folder, with tables",
        images=21_165,
        classes=_counted(COVID=3_616, Lung_Opacity=6_012, Normal=10_192, Viral_Pneumonia=1_345),
        cautions=(
            "Each class comes from hospitals of its own: the source gives much of the label away.",
            "Lung masks stand beside the images; a loader that takes every picture learns from masks.",
            _PATIENTS_UNKNOWN,
        ),
    ),
    Source(
        name="covid19-radiography-2020",
        title="COVID-19 Radiography Database, first release (2,905 images)",
        way=Kaggle("tawsifurrahman/covid19-radiography-database", 1, ("COVID-19 Radiography Database", "COVID-19_Radiography_Dataset")),
        homepage=_RADIOGRAPHY,
        citation=_RADIOGRAPHY_CITATION,
        layout="class folders with tables",
        images=2_905,
        classes=_counted(COVID=219, Normal=1_341, Viral_Pneumonia=1_345),
        cautions=(
            "That version 1 on Kaggle is this release is inferred from its number; compare the counts after the import.",
            _MIXED,
            _PATIENTS_UNKNOWN,
        ),
    ),
    Source(
        name="chest-xray-pneumonia",
        title="Chest X-Ray Images (Pneumonia), Kermany et al.",
        way=Kaggle("paultimothymooney/chest-xray-pneumonia", 2, ("chest_xray/chest_xray", "chest_xray")),
        homepage="https://data.mendeley.com/datasets/rscbjbr9sj/2",
        citation=_KERMANY_CITATION,
        layout="class folders in train, val and test",
        licence="CC BY 4.0",
        images=5_856,
        classes=_counted(Normal=1_583, Pneumonia=4_273),
        cautions=(
            "Children of one to five years only.",
            "Image size differs between the classes, and tells them apart.",
            "The archive holds the whole set twice; one copy is imported.",
            "The published validation part has 16 images.",
        ),
    ),
    Source(
        name="covid19-detection-xray",
        title="COVID-19 Detection X-Ray Dataset (Bansal & Sridhar’s source)",
        way=Kaggle("darshan1504/covid19-detection-xray-dataset", 1, table="without TrainData"),
        homepage="https://www.kaggle.com/datasets/darshan1504/covid19-detection-xray-dataset",
        citation="Darshan Deshpande, COVID-19 Detection X-Ray Dataset, Kaggle.",
        layout="class folders in NonAugmentedTrain and ValData; TrainData, which holds augmented copies, is left out",
        cautions=(
            "Its folder TrainData holds augmented copies of images that stand in NonAugmentedTrain.",
            "Which 70 + 80 of its images the paper took is not published.",
            _PATIENTS_UNKNOWN,
        ),
    ),
)

_ARCHIVES = (
    Source(
        name="cohen-covid",
        title="COVID-19 image data collection, Cohen et al.",
        way=_github("ieee8023/covid-chestxray-dataset", "6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8"),
        homepage="https://github.com/ieee8023/covid-chestxray-dataset",
        citation="Cohen et al., COVID-19 image data collection: prospective predictions are the future, arXiv:2006.11988.",
        layout="images/ with Cohen’s metadata.csv: frontal X-rays are kept, CT and lateral ones dropped",
        licence="an entry a row of its table (Apache 2.0, CC BY 4.0, CC BY-NC-SA 4.0 and others); the table CC BY-NC-SA 4.0",
        cautions=(
            "Pictures from publications and web pages: cropped, annotated, of any size and compression.",
            "Its authors ask that no diagnostic performance be claimed from it.",
        ),
    ),
    Source(
        name="figure1-covid",
        title="Figure 1 COVID-19 Chest X-ray Dataset Initiative",
        way=_github("agchung/Figure1-COVID-chestxray-dataset", "95bb569e55f4110d3b734c0f355340e04e16989a", table="figure1"),
        homepage="https://github.com/agchung/Figure1-COVID-chestxray-dataset",
        citation="Chung, Figure 1 COVID-19 chest X-ray data initiative, github.com/agchung/Figure1-COVID-chestxray-dataset (2020).",
        layout="a table with paths and labels, made here from its metadata.csv",
        images=55,
        classes=_counted(COVID=35, No_finding=3, Pneumonia=2),
        bytes=14_922_683,
        cautions=("15 of its 55 images have no finding in its table, and are left out.", "Photographs of screens are among them."),
    ),
    Source(
        name="actualmed-covid",
        title="Actualmed COVID-19 Chest X-ray Dataset Initiative",
        way=_github("agchung/Actualmed-COVID-chestxray-dataset", "27240dd8dec9454bc97f9f3c0c432ef434de2517", table="actualmed"),
        homepage="https://github.com/agchung/Actualmed-COVID-chestxray-dataset",
        citation="Chung, Actualmed COVID-19 chest X-ray data initiative, github.com/agchung/Actualmed-COVID-chestxray-dataset (2020).",
        layout="a table with paths and labels, made here from its metadata.csv",
        images=238,
        classes=_counted(COVID=58, No_finding=127),
        patients=215,
        bytes=195_867_802,
        cautions=(
            "53 of its 238 images are inconclusive, and are left out.",
            "Of the images without a finding 3 % are AP, of those with COVID-19 45 %.",
        ),
    ),
    Source(
        name="hannover-covid",
        title="COVID-19 image repository, Hannover Medical School",
        way=_github("ml-workgroup/covid-19-image-repository", "ad7ab099b425f16e06bba22322336b7d6a732965", table="hannover"),
        homepage="https://github.com/ml-workgroup/covid-19-image-repository",
        citation="Winther et al., COVID-19 image repository, doi:10.6084/m9.figshare.12275009 (2020).",
        layout="a table with paths and labels, made here from its data.csv",
        licence="CC BY 3.0",
        images=243,
        classes=_counted(COVID=243),
        patients=71,
        bytes=51_829_787,
        cautions=("One class only, from one hospital: good to test on, not to train on.", "One patient has up to twenty images and more."),
    ),
    Source(
        name="darkcovidnet",
        title="DarkCovidNet data, Ozturk et al.",
        way=_github("muhammedtalo/COVID-19", "ee3e2cffc0824711bed675275506b26f19be7198", "X-Ray Image DataSet"),
        homepage="https://github.com/muhammedtalo/COVID-19",
        citation="Ozturk et al., Automated detection of COVID-19 cases using deep neural networks with X-ray images, "
        "Computers in Biology and Medicine 121 (2020) 103792, doi:10.1016/j.compbiomed.2020.103792.",
        layout="class folders",
        images=1_125,
        classes=_counted(COVID=125, No_findings=500, Pneumonia=500),
        bytes=417_754_943,
        cautions=(
            "All 1,000 images without COVID-19 are 1024×1024, none with it is: width and height alone reach 99.8 %.",
            "21 patients stand in two classes; one file cannot be read.",
        ),
    ),
)


def _medmnist(name: str, title: str, pixels: int, *, images: int, classes: Mapping[str, int], size: int | None, caution: str) -> Source:
    return Source(
        name=name if pixels == 28 else f"{name}-{pixels}",
        title=f"{title}, {pixels}×{pixels}",
        way=MedMnist(name, pixels),
        homepage="https://medmnist.com",
        citation=_MEDMNIST_CITATION,
        layout="MedMNIST’s .npz",
        licence="CC BY 4.0",
        images=images,
        classes=classes,
        bytes=size,
        cautions=(caution, _PATIENTS_UNKNOWN),
    )


_PNEUMONIA_MNIST = tuple(
    _medmnist(
        "pneumoniamnist",
        "PneumoniaMNIST",
        pixels,
        images=5_856,
        classes=_counted(normal=1_583, pneumonia=4_273),
        size=size,
        caution="From Chest X-Ray Images (Pneumonia): children only, centre-cropped; not external to that set.",
    )
    for pixels, size in ((28, None), (64, None), (128, None), (224, 214_384_716))
)
_CHEST_MNIST = tuple(
    _medmnist(
        "chestmnist",
        "ChestMNIST",
        pixels,
        images=112_120,
        classes=_counted(),
        size=size,
        caution="Several findings an image, mined from the text of reports: no classes that exclude each other.",
    )
    for pixels, size in ((28, None), (64, None), (128, None), (224, 3_889_293_042))
)

_KERMANY = "chest-xray-pneumonia"
_OWN = (
    Source(
        name="alasfoor-abed",
        title="Composed set of Al-Asfoor & Abed",
        way=Composed(
            (Part("cohen-covid", COVID, 123), Part(_KERMANY, NORMAL), Part(_KERMANY, PNEUMONIA)),
            MappingProxyType({COVID: 123, NORMAL: 1_585, PNEUMONIA: 4_275}),
        ),
        homepage="https://github.com/ieee8023/covid-chestxray-dataset",
        citation="Al-Asfoor & Abed (2020); Cohen et al., arXiv:2006.11988; " + _KERMANY_CITATION,
        layout="a table with paths and labels, made here",
        images=5_983,
        classes=MappingProxyType({COVID: 123, NORMAL: 1_585, PNEUMONIA: 4_275}),
        cautions=(
            "Which 123 COVID-19 images the paper took is not published: here 123 drawn by content, always the same.",
            "The paper counts two normal and two pneumonia images more than the set it names has.",
            _MIXED,
        ),
    ),
    Source(
        name="zhong-cxr",
        title="Composed set of Zhong (COVID-19-CXR-Dataset)",
        way=Composed(
            (
                Part("figure1-covid", COVID),
                Part("actualmed-covid", COVID),
                Part("cohen-covid", COVID, 405),
                Part(_KERMANY, NORMAL),
                Part(_KERMANY, PNEUMONIA),
            ),
            MappingProxyType({COVID: 498, NORMAL: 1_583, PNEUMONIA: 4_273}),
        ),
        homepage="https://github.com/Junelin2333/COVID19-CXR",
        citation="Zhong, Using deep convolutional neural networks to diagnose COVID-19 from chest X-ray images, arXiv:2007.09695 (2020).",
        layout="a table with paths and labels, made here",
        images=6_354,
        classes=MappingProxyType({COVID: 498, NORMAL: 1_583, PNEUMONIA: 4_273}),
        cautions=(
            "How the 498 COVID-19 images divide among their sets is not published: here all of Figure 1 and Actualmed, the rest Cohen’s.",
            "Which 100 of them were the test part is not published.",
            _MIXED,
        ),
    ),
    Source(
        name="phantom",
        title="Phantom: synthetic chests",
        way=Drawn(),
        homepage="",
        citation="none needed",
        layout="class folders with metadata.csv",
        licence="that of this app",
        images=len(phantom.CLASSES) * phantom.PER_CLASS,
        classes=MappingProxyType(dict.fromkeys(phantom.CLASSES, phantom.PER_CLASS)),
        cautions=("Synthetic: what is learnt on it says nothing about real X-rays.",),
    ),
)

SOURCES: tuple[Source, ...] = (*_KAGGLE, *_ARCHIVES, *_PNEUMONIA_MNIST, *_CHEST_MNIST, *_OWN)
_BY_NAME = {each.name: each for each in SOURCES}


def names() -> tuple[str, ...]:
    """Names that `source` and `fetch` take."""
    return tuple(_BY_NAME)


def source(name: str) -> Source:
    """The source called `name`.

    Raises:
        UnknownName: there is none.
    """
    if name not in _BY_NAME:
        raise UnknownName.among("source", name, names())
    return _BY_NAME[name]
