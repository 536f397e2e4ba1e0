"""What one looks at on the vision page."""

EXPLANATION = """
A vision transformer cuts a picture into square **patches**, as a text is cut into tokens: each becomes a vector, and
from there on everything is as with words. Layers, heads, query and key are the same, and a weight is the same:
`weight = softmax(query · key / √head_dim)`. A **class token** stands before the patches; it has no place in the picture
and is where the model gathers what it says of the whole. Some models have **registers** beside it: tokens for the
model's own use.

- What is shown is what the model sees: the picture made smaller and cropped as its own processor does it. What lies
  outside of the crop does not exist for it.
- Each patch looks at all others at once: no order, no future. Where a patch lies is known only from what is added for
  its place.
- A head's picture says where it looks, not what it does with what it finds there. **Hide the patch and see.**
- The weights of a row add up to 1 over all tokens. What is on the class token and on registers is not on the picture,
  and is told beside it.
"""
