"""What a person reads about the next token."""

EXPLANATION = """
A model gives every token of its vocabulary a number, its **logit**. The **softmax** makes probabilities of them. What
comes next is then *drawn*: a token with 77 % comes in 77 of 100 draws on average.

- Before the draw the probabilities go through **stages**, from left to right, each changing what the one before left.
  They are transformers' own, in its own order, computed over the whole vocabulary; you can switch them, drag them into
  another order (a badge says so then), and choose one to see what it leaves.
- The **curve** has all tokens from the likeliest to the least likely, both axes logarithmic: the tail is long, and each
  of its tokens is unlikely, but there are very many of them. A vertical line is where a stage cuts.
- The picture follows a **knob** while you drag it, by your browser's own numbers; what stands beside it waits until you
  let go, and then all numbers are the server's.
- **Surprisal** is minus the logarithm of the probability: 0 for what is certain, in *nats* (natural logarithm) or bits.
  The mean over a text is its **cross-entropy**, and *e* to the power of that its **perplexity**: among how many equally
  likely tokens the model might as well have chosen. Both are by the model's own probabilities, whatever the knobs say.
- A **seed** is a row of numbers between 0 and 1, one for each step. The token is where the number falls when the
  probabilities are laid end to end, from the likeliest on. So the same seed gives the same text, and two settings with
  the same seed have the same luck.
- **Temperature** flattens or sharpens the odds; it adds no ideas.
- Choose a token of the written text: the picture shows what else could have come there. *Go on with …* takes another
  one and writes on from it; both ways stay in the tree, and in the link.
"""
