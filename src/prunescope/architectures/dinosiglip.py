"""LLaVA with DINOv2 and SigLIP as vision towers, as in Prismatic's fused models (arXiv 2402.07865).

It differs from stock LLaVA in the two towers, the projector and the name. Importing this module
registers the classes with the Auto classes of transformers.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)
from transformers.activations import ACT2FN
from transformers.image_utils import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    IMAGENET_STANDARD_MEAN,
    IMAGENET_STANDARD_STD,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

FEATURES = -2  # hidden state of each tower that is used: the input of its last block, no norm
WIDENING = 4  # width of the projector's first layer over that of its input


class DinoSiglipVisionConfig(PreTrainedConfig):
    """Configurations of the two towers, which must have the same grid of patches."""

    model_type = "dinosiglip_vision_model"
    sub_configs: ClassVar = {
        "dino_config": Dinov2WithRegistersConfig,
        "siglip_config": SiglipVisionConfig,
    }

    dino_config: dict | PreTrainedConfig | None = None
    siglip_config: dict | PreTrainedConfig | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        for name, kind in self.sub_configs.items():
            config = getattr(self, name)
            if not isinstance(config, kind):
                setattr(self, name, kind(**config or {}))
        super().__post_init__(**kwargs)

    @property
    def hidden_size(self) -> int:
        return self.dino_config.hidden_size + self.siglip_config.hidden_size

    @property
    def image_size(self) -> int:
        return self.siglip_config.image_size

    @property
    def patch_size(self) -> int:
        return self.siglip_config.patch_size


class DinoSiglipVisionModel(PreTrainedModel):
    """Both towers; the features of a patch are those of DINOv2, then those of SigLIP."""

    config_class = DinoSiglipVisionConfig
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True

    def __init__(self, config: DinoSiglipVisionConfig):
        super().__init__(config)
        self.dino = Dinov2WithRegistersModel(config.dino_config)
        self.siglip = SiglipVisionModel(config.siglip_config)
        self.post_init()

    def forward(self, pixel_values: Tensor, **kwargs: Any) -> BaseModelOutputWithPooling:
        """Features (batch, patches, dim) of images (batch, 3, height, width).

        pixel_values are normalised for SigLIP. The features are the only entry of `hidden_states`,
        whatever the keyword arguments ask for.
        """
        # Only this hidden state; older versions of transformers read the number as True.
        options = {"output_hidden_states": FEATURES}
        dino = self.dino(for_dino(pixel_values), **options).hidden_states[FEATURES]
        siglip = self.siglip(pixel_values, **options).hidden_states[FEATURES]
        # DINOv2's class token and registers come before its patches.
        patches = dino[:, 1 + self.config.dino_config.num_register_tokens :]
        features = torch.cat([patches, siglip], dim=-1)
        return BaseModelOutputWithPooling(last_hidden_state=features, hidden_states=(features,))


def for_dino(pixels: Tensor) -> Tensor:
    """Pixels (..., 3, height, width) normalised for DINOv2, from those normalised for SigLIP."""
    from_mean, from_std, mean, std = (
        pixels.new_tensor(values)[:, None, None]
        for values in (
            IMAGENET_STANDARD_MEAN,
            IMAGENET_STANDARD_STD,
            IMAGENET_DEFAULT_MEAN,
            IMAGENET_DEFAULT_STD,
        )
    )
    return (pixels * from_std + from_mean - mean) / std


class LlavaDinoSiglipConfig(LlavaConfig):
    """Configuration of LLaVA with a `DinoSiglipVisionConfig`; `vision_feature_layer` is -1."""

    model_type = "llava_dinosiglip"


class FusedProjector(nn.Module):
    """Three linear layers, the first one wide: features (..., dim) -> (..., dim of the text)."""

    def __init__(self, config: LlavaDinoSiglipConfig):
        super().__init__()
        width, text = config.vision_config.hidden_size, config.text_config.hidden_size
        self.linear_1 = nn.Linear(width, WIDENING * width)
        self.linear_2 = nn.Linear(WIDENING * width, text)
        self.linear_3 = nn.Linear(text, text)
        self.act = ACT2FN[config.projector_hidden_act]

    def forward(self, image_features: Tensor) -> Tensor:
        hidden = self.act(self.linear_1(image_features))
        return self.linear_3(self.act(self.linear_2(hidden)))


class LlavaDinoSiglipForConditionalGeneration(LlavaForConditionalGeneration):
    """Stock LLaVA with a `FusedProjector`."""

    config_class = LlavaDinoSiglipConfig

    def __init__(self, config: LlavaDinoSiglipConfig):
        super().__init__(config)
        self.model.multi_modal_projector = FusedProjector(config)


AutoConfig.register(DinoSiglipVisionConfig.model_type, DinoSiglipVisionConfig)
AutoConfig.register(LlavaDinoSiglipConfig.model_type, LlavaDinoSiglipConfig)
AutoModel.register(DinoSiglipVisionConfig, DinoSiglipVisionModel)
AutoModelForImageTextToText.register(LlavaDinoSiglipConfig, LlavaDinoSiglipForConditionalGeneration)
