"""Pieces at which models are known to go astray: published names, not something that a vocabulary tells."""

# Of Rumbelow and Watkins, "SolidGoldMagikarp" (2023), who list them for GPT-2's vocabulary: words of log files, shops
# and counting games that were frequent where the vocabulary was made, and rare where the model was trained.
GLITCH_PIECES = frozenset(
    (
        *(" SolidGoldMagikarp", "GoldMagikarp", " TheNitromeFan", " TheNitrome", "Nitrome", " RandomRedditor"),
        *(" RandomRedditorWithNo", " davidjl", " petertodd", "ertodd", " Adinida", " gmaxwell", " Smartstocks"),
        *("StreamerBot", "TPPStreamerBot", " Leilan", " Mechdragon", " Skydragon", " Dragonbound", "DragonMagazine"),
        *("PsyNetMessage", " PsyNet", " attRot", " srfAttach", " srfN", "ForgeModLoader", "FactoryReloaded"),
        *(" externalTo", " externalToEVA", " externalToEVAOnly", "externalActionCode", " guiActive", " guiActiveUn"),
        *(" guiActiveUnfocused", " guiName", " guiIcon", " unfocusedRange", " partName", "SpaceEngineers"),
        *("reportprint", "embedreportprint", "cloneembedreportprint", "rawdownload"),
        *("rawdownloadcloneembedreportprint", "oreAndOnline", "InstoreAndOnline", "BuyableInstoreAndOnline"),
        *("quickShip", "quickShipAvailable", "isSpecialOrderable", "inventoryQuantity", "channelAvailability"),
        *("soType", "soDeliveryDate", "DeliveryDate", "catentry", "ItemThumbnailImage", "wcsstore", " DevOnline"),
        *("EStreamFrame", "EngineDebug", "MpServer", "NetMessage", "assetsadobe", "Downloadha", "iHUD"),
        *(" UCHIJ", " SetFontSize", " practition", " sqor", " istg", "cffff", "cffffcc", "?????-?????-", ' "$:/'),
        *("龍喚士", "龍契士", " 裏覚醒", "覚醒", " サーティ", " サーティワン", "ÃÂÃÂ", "ÃÂÃÂÃÂÃÂ"),
    )
)
