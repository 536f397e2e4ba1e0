"""What is said on the anatomy page in more than a line."""

EXPLANATION = """\
**The plan** is drawn from what the model does: its class runs once without weights, every operation is noted with the
module in which it runs, and what stands in the picture is what was seen. **A box** is a part with its parameters, bytes
and floating-point operations for this text (a multiplication and an addition are two). **An arrow** is a tensor and
carries its shape. **⊕** is a sum with what a part was given: the residual connection.
"""
