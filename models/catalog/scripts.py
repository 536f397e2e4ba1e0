"""Scripts for the browser that come as packages: what BertViz asks a content delivery network for."""

from models.catalog.packs import Pack, PackFile

# D3 5.7.0, the version that BertViz names, and jQuery 3.6.0.
D3 = Pack(
    distribution="mpld3",
    version="0.5.12",
    folder="mpld3/js",
    files=(PackFile("mpld3/js/d3.v5.min.js", "bdad5585ef9a965ff25458738309b006058c55f2c78d794d25fbecae35014609"),),
)
JQUERY = Pack(
    distribution="sphinxcontrib-jquery",
    version="4.1",
    folder="sphinxcontrib/jquery",
    files=(
        PackFile("sphinxcontrib/jquery/jquery.js", "ff1523fb7389539c84c65aba19260648793bb4f5e29329d2ee8804bc37a3fe6e"),
    ),
)
