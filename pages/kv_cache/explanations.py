"""What a person reads about the cache."""

EXPLANATION = """
To draw the next token, a decoder needs the **key** and the **value** of every earlier token in every layer. Those of
earlier tokens cannot change: a token sees only what stands before it. So they are computed once and kept: the
**KV cache**.

- A **row** is a layer, a **column** a token, a **cell** the key and the value of that token in that layer. Reading the
  prompt fills its columns at once (*prefill*); after that each new token adds one (*decode*).
- After a prompt of *N* tokens and *M* drawn ones there are **N + M − 1** columns: the last token was drawn, not read.
- *Columns computed* counts how many columns went through the model in all: with the cache each one once, without it all
  of them again for each token.
- A model whose heads share keys and values (**grouped-query attention**) keeps less; one with a **window** lets old
  columns go; a seq2seq model has a second part for its source, which stands still.
- *Bytes* are those of the numbers that are kept. *Memory held* can be more: a cache that is allocated at once, or a
  layer with a window that keeps a view of a longer tensor.
- A cell's colour says how long its value (or key) is, not how much it is looked at. Short values in the first column go
  with a *sink*: many heads rest there when they find nothing, and fetch next to nothing.
"""
