"""The text around a grid of tokens: a question about an image, as users and benchmarks ask it.

The score before layer 1 knows of the prompt its last token only, so prompts end in several ways.
"""

from transformers import PreTrainedTokenizerBase

GRID = "<<grid>>"  # stands for the tokens
FORMS = (
    None,  # the tokenizer's chat template; the next form where it does not fit
    f"USER: {GRID}\n{{question}} ASSISTANT:",  # LLaVA-1.5
    f"Image: {GRID}\nQuestion: {{question}}\nAnswer:",
    f"Look at this: {GRID}\n{{question}}",
)
QUESTIONS = (
    "What is in the picture?",
    "Where is the red circle?",
    "How many objects are there?",
    "Is there a dog in the image? Answer yes or no.",
    "What color is the car on the left?",
    "Give the bounding box of the largest object.",
    "Which object is to the right of the tree?",
    "Describe the background in one word.",
)


def around(tokenizer: PreTrainedTokenizerBase, draw: int) -> tuple[list[int], list[int]]:
    """Token ids before and after the grid in prompt number `draw`.

    Forms and questions take turns. Text before the grid has the tokenizer's first token, if any.
    """
    form, question = FORMS[draw % len(FORMS)], QUESTIONS[draw % len(QUESTIONS)]
    chat = _chat(tokenizer, question) if form is None else None
    before, after = chat or (form or FORMS[1]).format(question=question).split(GRID)
    first = tokenizer(before, add_special_tokens=chat is None)["input_ids"]
    return first, tokenizer(after, add_special_tokens=False)["input_ids"]


def _chat(tokenizer: PreTrainedTokenizerBase, question: str) -> tuple[str, str] | None:
    """Text before and after the grid by the chat template; None where there is none, or one that
    takes messages of another form."""
    if tokenizer.chat_template is None:
        return None
    message = {"role": "user", "content": f"{GRID}\n{question}"}
    text = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    before, grid, after = text.partition(GRID)
    return (before, after) if grid else None
