"""What a person reads about the columns."""

EXPLANATION = """
A model reads no letters: a **tokenizer** cuts the text into **pieces** and gives each the number (**id**) that it has
in the vocabulary. What is one piece is seen as one thing; what is cut must be put together again by the model.

- The **ruler** shows the text byte by byte and where each tokenizer ends its pieces. Dashed rings stand round
  stretches on which they disagree. Choose a piece: the same stretch is framed in every column.
- ␣ is a space, ⏎ a line break, ⇥ a tab. `##` goes on with a word. A **hatched** piece is unknown: the model sees that
  something is there, not what. *Slanted* pieces in a frame are special tokens. A dotted frame holds the pieces of one
  character that is cut into **bytes**, written as hexadecimal numbers.
- **BPE** merges the neighbours that were most frequent in its training text, in that order. **WordPiece** takes the
  longest piece that fits. **Unigram** takes the likeliest way to cut the word.
- A **language's price** is what the same sentences cost as a multiple of English, the mean over ten sentences of one
  program with their spread: a sample, and no property of the language. Unknown pieces (?) are cheap and lost.
- A piece is **unreachable** where no text that was tried comes out as it: its own text, that between other letters, and
  whole characters round a part of one. It has a row in the model's table all the same.
- Counts leave out the special tokens that a model's template adds. *Round trip*: whether the ids give the text back.
"""
