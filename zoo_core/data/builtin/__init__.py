"""The data sets that come with the zoo, declared. Torch-free; the readers are beside it.

Sizes and hashes are those that TensorFlow Datasets and torchvision have published, or, of MNIST and Fashion-MNIST
unpacked, of the copies that the figures were measured with.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..declare import DataSet, File, TextFields

DIGITS = tuple("0123456789")


def _read_idx(files: Mapping[str, Path], split: str) -> tuple[Any, Any]:
    from . import idx

    return idx.read(files, split)


def _gz(base: str, name: str, size: int, sha256: str, content: str = "") -> File:
    """A file that is published packed."""
    return File(name, tuple(f"{mirror}{name}.gz" for mirror in base.split()), size, sha256, content=content)


# -- digits, letters and clothes in 28 x 28 pixels -----------------------------------------------------

_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/ https://storage.googleapis.com/cvdf-datasets/mnist/"
MNIST = DataSet(
    "mnist", "handwritten digits", "images", "MNIST/raw", {"train": 60_000, "test": 10_000},
    {
        "train": (
            _gz(_MNIST, "train-images-idx3-ubyte", 9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            _gz(_MNIST, "train-labels-idx1-ubyte", 28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ),
        "test": (
            _gz(_MNIST, "t10k-images-idx3-ubyte", 1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            _gz(_MNIST, "t10k-labels-idx1-ubyte", 4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
    },
    "CC-BY-SA-3.0", "LeCun et al. 1998, Gradient-based learning applied to document recognition, "
    "https://doi.org/10.1109/5.726791", _read_idx, DIGITS, homepage="http://yann.lecun.com/exdb/mnist/",
    hub="ylecun/mnist",
)  # fmt: skip

_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_MNIST = DataSet(
    "fashion-mnist", "articles of clothing", "images", "FashionMNIST/raw", {"train": 60_000, "test": 10_000},
    {
        "train": (
            _gz(_FASHION, "train-images-idx3-ubyte", 26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            _gz(_FASHION, "train-labels-idx1-ubyte", 29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        ),
        "test": (
            _gz(_FASHION, "t10k-images-idx3-ubyte", 4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            _gz(_FASHION, "t10k-labels-idx1-ubyte", 5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ),
    },
    "MIT", "Xiao, Rasul & Vollgraf 2017, https://arxiv.org/abs/1708.07747", _read_idx,
    ("t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    homepage="https://github.com/zalandoresearch/fashion-mnist", hub="zalando-datasets/fashion_mnist",
)  # fmt: skip

_KMNIST = "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"
KMNIST = DataSet(
    "kmnist", "cursive Japanese characters", "images", "KMNIST/raw", {"train": 60_000, "test": 10_000},
    {
        "train": (
            _gz(_KMNIST, "train-images-idx3-ubyte", 18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            _gz(_KMNIST, "train-labels-idx1-ubyte", 29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        ),
        "test": (
            _gz(_KMNIST, "t10k-images-idx3-ubyte", 3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            _gz(_KMNIST, "t10k-labels-idx1-ubyte", 5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ),
    },
    "CC-BY-SA-4.0", "Clanuwat et al. 2018, Deep Learning for Classical Japanese Literature, "
    "https://arxiv.org/abs/1812.01718", _read_idx,
    ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"), homepage="https://github.com/rois-codh/kmnist",
)  # fmt: skip

_QMNIST = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
_QMNIST_TEST = (
    _gz(_QMNIST, "qmnist-test-images-idx3-ubyte", 9_742_279,
        "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375"),
    _gz(_QMNIST, "qmnist-test-labels-idx2-int", 526_800,
        "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06"),
)  # fmt: skip
QMNIST = DataSet(
    "qmnist", "MNIST rebuilt, with 50,000 further test digits", "images", "QMNIST/raw",
    {"train": 60_000, "test": 60_000, "test10k": 10_000, "test50k": 50_000},
    {
        "train": (
            _gz(_QMNIST, "qmnist-train-images-idx3-ubyte", 9_704_059,
                "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d"),
            _gz(_QMNIST, "qmnist-train-labels-idx2-int", 463_024,
                "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f"),
        ),
        **dict.fromkeys(("test", "test10k", "test50k"), _QMNIST_TEST),
    },
    "BSD-style", "Yadav & Bottou 2019, Cold Case: the Lost MNIST Digits, https://arxiv.org/abs/1905.10498", _read_idx,
    DIGITS, homepage="https://github.com/facebookresearch/qmnist",
)  # fmt: skip


def _read_emnist(files: Mapping[str, Path], split: str) -> tuple[Any, Any]:
    from . import emnist

    return emnist.read(files, split)


_EMNIST = (
    File("gzip.zip", ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
                      "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip"), 561_753_746,
         "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),
)  # fmt: skip
_EMNIST_PAPER = (
    "Cohen et al. 2017, EMNIST: an extension of MNIST to handwritten letters, https://arxiv.org/abs/1702.05373"
)
_EMNIST_HOME = "https://www.nist.gov/itl/products-and-services/emnist-dataset"


def _emnist(part: str, summary: str, train: int, test: int, classes: tuple[str, ...]) -> DataSet:
    """One of the parts that the archive holds."""
    files = {"train": _EMNIST, "test": _EMNIST}

    def read(found: Mapping[str, Path], split: str) -> tuple[Any, Any]:
        return _read_emnist(found, f"{part}-{split}")

    return DataSet(
        f"emnist-{part}", summary, "images", "EMNIST/raw", {"train": train, "test": test}, files,
        "public domain (NIST)", _EMNIST_PAPER, read, classes, homepage=_EMNIST_HOME,
    )  # fmt: skip


EMNIST_BALANCED = _emnist(
    "balanced", "handwritten digits and letters, equally many of each", 112_800, 18_800,
    (*DIGITS, *string.ascii_uppercase, *"abdefghnqrt"),
)  # fmt: skip
EMNIST_LETTERS = _emnist("letters", "handwritten letters", 124_800, 20_800, tuple(string.ascii_lowercase))

# -- other sizes ---------------------------------------------------------------------------------------


def _read_usps(files: Mapping[str, Path], split: str) -> tuple[Any, Any]:
    from . import usps

    return usps.read(files)


_USPS = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
USPS = DataSet(
    "usps", "digits on envelopes, 16 x 16", "images", "USPS", {"train": 7_291, "test": 2_007},
    {
        "train": (File("usps.bz2", (_USPS + "usps.bz2",), md5="ec16c51db3855ca6c91edd34d0e9b197"),),
        "test": (File("usps.t.bz2", (_USPS + "usps.t.bz2",), md5="8ea070ee2aca1ac39742fdd1ef5ed118"),),
    },
    "not stated", "Hull 1994, A database for handwritten text recognition research, https://doi.org/10.1109/34.291440",
    _read_usps, DIGITS, (1, 16, 16), homepage=_USPS.removesuffix("multiclass/") + "multiclass.html#usps",
)  # fmt: skip


def _read_svhn(files: Mapping[str, Path], split: str) -> tuple[Any, Any]:
    from . import svhn

    return svhn.read(files)


_SVHN = "http://ufldl.stanford.edu/housenumbers/"
SVHN = DataSet(
    "svhn", "digits of house numbers, in colour", "images", "SVHN", {"train": 73_257, "test": 26_032},
    {
        "train": (File("train_32x32.mat", (_SVHN + "train_32x32.mat",), 182_040_794,
                       "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),),
        "test": (File("test_32x32.mat", (_SVHN + "test_32x32.mat",), 64_275_384,
                      "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),),
    },
    "non-commercial use only", "Netzer et al. 2011, Reading digits in natural images with unsupervised feature "
    "learning, http://ufldl.stanford.edu/housenumbers/nips2011_housenumbers.pdf",
    _read_svhn, DIGITS, (3, 32, 32), homepage=_SVHN,
    libraries=("scipy",), install="pip install 'zoo-core[svhn]'", hub="ufldl-stanford/svhn",
)  # fmt: skip


def _read_cifar(files: Mapping[str, Path], split: str) -> tuple[Any, Any]:
    from . import cifar

    return cifar.read(files, split)


_CIFAR = (
    File("cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",), 170_052_171,
         "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", "c32a1d4ab5d03f1284b67883e8d87530"),
)  # fmt: skip
CIFAR_10 = DataSet(
    "cifar-10", "small photographs of ten things", "images", "CIFAR10", {"train": 50_000, "test": 10_000},
    {"train": _CIFAR, "test": _CIFAR}, "not stated",
    "Krizhevsky 2009, Learning multiple layers of features from tiny images, "
    "https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf", _read_cifar,
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"), (3, 32, 32),
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html", hub="uoft-cs/cifar10",
)  # fmt: skip

# -- texts ---------------------------------------------------------------------------------------------


def _lines(*splits: str) -> dict[str, tuple[File, ...]]:
    return {split: (File(f"{split}.jsonl"),) for split in splits}


ACL_TITLES = DataSet(
    "acl-titles", "abstracts of the ACL Anthology and their titles", "texts", "ACLAbstracts",
    {"train": 15_875, "dev": 1_000, "test": 1_000}, _lines("train", "dev", "test"), "CC-BY-4.0",
    "the ACL Anthology, 2016-2021, https://aclanthology.org", homepage="https://aclanthology.org",
    texts=TextFields("abstract", "title", "title", "id"), languages=("en",),
)  # fmt: skip
SCITLDR = DataSet(
    "scitldr", "abstracts of papers and summaries of one sentence", "texts", "SciTLDR",
    {"train": 1992, "dev": 619, "test": 618}, _lines("train", "dev", "test"), "Apache-2.0",
    "Cachola et al. 2020, https://arxiv.org/abs/2004.15011", homepage="https://github.com/allenai/scitldr",
    texts=TextFields("source", "target", "title", "paper_id", ("allenai/scitldr", "Abstract")), languages=("en",),
)  # fmt: skip
XSUM = DataSet(
    "xsum", "news articles and summaries of one sentence", "texts", "XSum",
    {"train": 204_045, "dev": 11_332, "test": 11_334}, _lines("train", "dev", "test"), "not stated",
    "Narayan, Cohen & Lapata 2018, https://arxiv.org/abs/1808.08745", homepage="https://github.com/EdinburghNLP/XSum",
    texts=TextFields("document", "summary", "", "id", ("EdinburghNLP/xsum", "default")), languages=("en",),
)  # fmt: skip
