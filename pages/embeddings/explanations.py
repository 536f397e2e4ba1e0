"""What a person reads about vectors and layers."""

EXPLANATION = """
A token starts as a **row of a table**: the same numbers wherever it stands. Every layer adds to it what the tokens
around it say, so that in the end *bank* in a sentence about money has another vector than *bank* beside a river.

- A **hidden state** is the vector of a token between two layers. Index 0 is what goes into the first layer (what that
  is differs from model to model and is written under the picture); the last one is what comes out, in many models after
  a final norm.
- The **map** flattens hundreds of numbers to two or three. What is near on the map need not be near: choose a point,
  and the list beside it has its real neighbours, by cosine over all numbers.
- **Cosine** is how much two vectors point the same way: 1 the same, 0 nothing in common. All vectors of a layer share a
  direction (*anisotropy*), so look at differences, not at raw values.
- The **logit lens** takes the model's last step, the one that makes probabilities of the last vector, and applies it to
  the vector of an earlier layer: what would it say if it stopped there? (nostalgebraist 2020)
- The **table** has no context at all. A row's neighbours may be other spellings of the same word, or words of one kind.
"""
