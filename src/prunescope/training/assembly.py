"""Assembly of the trained parts as a stock LLaVA, in a folder for `from_pretrained`."""

from pathlib import Path

from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedModel,
)

from prunescope.checkpoints import merging
from prunescope.checkpoints.merging import STORED, USED
from prunescope.training.reader import Projector
from prunescope.training.vocabulary import ID, build_tokenizer


def llava_config(tower: PreTrainedConfig, decoder: LlamaConfig) -> LlavaConfig:
    """Configuration of a LLaVA that takes all 144 features of the tower's last block."""
    return LlavaConfig(
        vision_config=tower,
        text_config=decoder,
        image_token_index=ID["<image>"],
        projector_hidden_act="gelu",
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )


def assemble(
    tower: PreTrainedModel, projector: Projector, decoder: LlamaForCausalLM
) -> LlavaForConditionalGeneration:
    """One model with the weights of the three parts, rounded to the precision of storage."""
    model = LlavaForConditionalGeneration(llava_config(tower.config, decoder.config))
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(projector.state_dict())
    model.model.language_model.load_state_dict(decoder.model.state_dict())
    model.lm_head.load_state_dict(decoder.lm_head.state_dict())
    return model.to(STORED).to(USED).eval()


def build_processor(tower: PreTrainedConfig) -> LlavaProcessor:
    """Processor for the images of a tower; it turns "<image>" into its visual tokens."""
    return merging.build_processor(tower, build_tokenizer(), "<image>")


def save(model: LlavaForConditionalGeneration, folder: Path) -> str:
    """Write model, processor and `weights.sha256`; returns the SHA-256 of the weights."""
    return merging.save(model, build_processor(model.config.vision_config), folder)
