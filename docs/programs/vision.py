"""Where a head of a vision transformer looks: python vision.py FOLDER PICTURE LAYER HEAD TOKEN"""

import sys

import torch
from PIL import Image, ImageOps
from transformers import AutoImageProcessor, AutoModel

folder, picture, layer, head, token = sys.argv[1:]
processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
model = getattr(model, "vision_model", model)
image = ImageOps.exif_transpose(Image.open(picture)).convert("RGB")
inputs = processor(images=image, return_tensors="pt")
with torch.inference_mode():
    attentions = model(pixel_values=inputs["pixel_values"], output_attentions=True).attentions
for key, weight in enumerate(attentions[int(layer)][0, int(head), int(token)]):
    print(key, f"{float(weight):.6f}", sep="\t")
