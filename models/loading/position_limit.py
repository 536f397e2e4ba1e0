"""How long a text a model has positions for."""

import torch
from transformers import PreTrainedModel


def position_limit(model: PreTrainedModel) -> int | None:
    """The longest input the model has positions for, or None where positions are only relative (T5).

    RoBERTa's learned positions begin after its padding id, so its 514 rows serve 512 tokens
    (`transformers.models.roberta.modeling_roberta.RobertaEmbeddings.create_position_ids_from_input_ids`).
    """
    rows = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(rows, int) or rows < 1:
        return None
    for module in model.modules():
        if (
            isinstance(module, torch.nn.Embedding)
            and module.num_embeddings == rows
            and module.padding_idx is not None
            and rows != model.config.get_text_config().vocab_size
        ):
            return rows - module.padding_idx - 1
    return rows
