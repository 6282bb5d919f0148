"""Our architectures, as data. Sizes are checked by tests that walk the table.

Grad-CAM reads the last maps whose values still have a place, and which nothing after them changes in place: a ReLU counts as the
layer where it works in place on the batch normalisation before it. timm's DenseNet has its last ReLU inside `features`; torchvision's,
which is not used here, applies one in place afterwards, so that maps differ between CPU and GPU.
"""

from __future__ import annotations

from core.models.registry import Architecture

_HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
_TIMM = {"builder": "core.models.backbones:from_timm", "channels": 3, "library": "timm"}
_TORCHVISION = {"channels": 3, "library": "torchvision"}

ENTRIES = (
    Architecture(
        name="alasfoor-cnn22",
        title="22-layer CNN (Al-Asfoor & Abed 2020)",
        builder="core.models.papers:alasfoor_cnn22",
        image_size=224,
        smallest=16,  # four 2×2 poolings
        channels=1,
        cam_layer="relu_4",  # 28×28 at 224, before the last pooling
        head=("dropout_1", "fc_1", "dropout_2", "fc_2"),
        papers=("alasfoor-2020",),
    ),
    Architecture(
        name="benbakreti-cnn",
        title="6-convolution CNN (Benbakreti et al. 2022)",
        builder="core.models.papers:benbakreti_cnn",
        image_size=299,
        smallest=127,  # six poolings of window 3, stride 2, without padding
        channels=1,
        cam_layer="relu_6",  # 8×8 at 299, before the last pooling
        head=("fc",),
        papers=("benbakreti-2022",),
    ),
    Architecture(
        name="zhong-vgg",
        title="Reduced VGG16 with multi-level pooling (Zhong 2020)",
        builder="core.models.papers:zhong_vgg",
        image_size=80,
        smallest=16,  # four 2×2 poolings
        channels=3,
        cam_layer="groups.3",  # 10×10 at 80
        head=("classifier",),
        papers=("zhong-2020",),
    ),
    Architecture(
        name="darkcovidnet",
        title="DarkCovidNet (Ozturk et al. 2020)",
        builder="core.models.papers:darkcovidnet",
        image_size=256,
        smallest=4,  # two 2×2 poolings; from there on the padding keeps the maps large
        channels=3,
        cam_layer="leaky_16",  # 13×13 at 256
        head=("conv_classes", "relu_classes", "batchnorm_classes", "fc"),
        papers=("darkcovidnet-2020",),
    ),
    Architecture(
        name="edgenet",
        title="Edge network of CXR Lab",
        builder="core.models.edgenet:edgenet",
        image_size=384,
        smallest=96,  # six cells of 16 px a side: halved twice, they leave 2×2
        channels=1,
        cam_layer="block_2",  # 6×6 at 384
        head=("classifier",),
    ),
    Architecture(
        name="alexnet",
        title="AlexNet",
        builder="core.models.backbones:alexnet",
        image_size=227,
        smallest=63,
        cam_layer="features.11",  # 13×13 at 227, before the last pooling
        head=("classifier",),
        papers=("benbakreti-2022", "alasfoor-2020"),
        source="alexnet",
        **_TORCHVISION,
    ),
    Architecture(
        name="googlenet",
        title="GoogLeNet (Inception v1)",
        builder="core.models.backbones:googlenet",
        image_size=224,
        smallest=47,
        cam_layer="inception5b",  # 7×7 at 224
        head=("dropout", "fc"),
        source="googlenet",
        **_TORCHVISION,
        **_HALF,  # its weights come from TensorFlow, as torchvision's `transform_input` says
    ),
    Architecture(
        name="inception_v3",
        title="Inception v3",
        image_size=299,
        smallest=107,
        cam_layer="Mixed_7c",  # 8×8 at 299
        head=("head_drop", "fc"),
        papers=("benbakreti-2022", "bansal-2020"),
        source="inception_v3.tv_in1k",
        **_TIMM,
        **_HALF,
    ),
    Architecture(
        name="resnet18",
        title="ResNet-18",
        image_size=224,
        smallest=33,  # stride 32: from 33 on the last map has more than one pixel
        cam_layer="layer4.1",  # 7×7 at 224
        head=("fc",),
        papers=("benbakreti-2022",),
        source="resnet18.a1_in1k",
        **_TIMM,
    ),
    Architecture(
        name="resnet50",
        title="ResNet-50",
        image_size=224,
        smallest=33,
        cam_layer="layer4.2",  # 7×7 at 224
        head=("fc",),
        papers=("lacruz-2020",),
        source="resnet50.a1_in1k",
        **_TIMM,
    ),
    Architecture(
        name="resnet101",
        title="ResNet-101",
        image_size=224,
        smallest=33,
        cam_layer="layer4.2",  # 7×7 at 224
        head=("fc",),
        papers=("lacruz-2020",),
        source="resnet101.a1h_in1k",
        **_TIMM,
    ),
    Architecture(
        name="resnet50v2",
        title="ResNet-50 V2",
        image_size=224,
        smallest=33,
        cam_layer="norm",  # 7×7 at 224; the stages end before their activation
        head=("head",),
        papers=("bansal-2020",),
        source="resnetv2_50.a1h_in1k",
        **_TIMM,
        **_HALF,
    ),
    Architecture(
        name="vgg16",
        title="VGG16",
        image_size=224,
        smallest=32,  # five 2×2 poolings
        cam_layer="features.29",  # 14×14 at 224, before the last pooling
        head=("pre_logits", "head"),
        papers=("lacruz-2020", "bansal-2020"),
        source="vgg16.tv_in1k",
        **_TIMM,
    ),
    Architecture(
        name="vgg19",
        title="VGG19",
        image_size=224,
        smallest=32,
        cam_layer="features.35",  # 14×14 at 224, before the last pooling
        head=("pre_logits", "head"),
        papers=("bansal-2020",),
        source="vgg19.tv_in1k",
        **_TIMM,
    ),
    Architecture(
        name="xception",
        title="Xception",
        image_size=299,
        smallest=39,
        cam_layer="act4",  # 10×10 at 299
        head=("fc",),
        papers=("lacruz-2020", "bansal-2020"),
        source="legacy_xception.tf_in1k",
        **_TIMM,
        **_HALF,
    ),
    Architecture(
        name="inception_resnet_v2",
        title="Inception-ResNet v2",
        image_size=299,
        smallest=107,
        cam_layer="conv2d_7b",  # 8×8 at 299
        head=("head_drop", "classif"),
        papers=("lacruz-2020",),
        source="inception_resnet_v2.tf_in1k",
        **_TIMM,
        **_HALF,
    ),
    Architecture(
        name="densenet201",
        title="DenseNet-201",
        image_size=224,
        smallest=61,
        cam_layer="features.norm5",  # 7×7 at 224, after its ReLU
        head=("head_drop", "classifier"),
        papers=("lacruz-2020",),
        source="densenet201.tv_in1k",
        **_TIMM,
    ),
    Architecture(
        name="nasnetalarge",
        title="NASNet-A Large",
        image_size=331,
        smallest=35,
        cam_layer="act",  # 11×11 at 331
        head=("head_drop", "last_linear"),
        papers=("bansal-2020",),
        source="nasnetalarge.tf_in1k",
        **_TIMM,
        **_HALF,
    ),
)
