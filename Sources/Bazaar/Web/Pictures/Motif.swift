/// What a picture shows: one plain thing, drawn from a few shapes.
enum Motif: String, Sendable, Hashable, CaseIterable {
    case heart, star, flower, bird, butterfly, rabbit
    case mug, cakestand, plate, jar, bottle, box, tin
    case candle, lantern, hangingLight, lamp
    case frame, cushion, mirror
    case tote, purse, umbrella, suitcase
    case envelope, notebook, pencils, reel, gift
    case necklace, gem, bow
    case bunting, balloons
    case bauble, tree, stocking
    case top, bear, jigsaw
    case plant, pinwheel, wateringCan
    case soap, hotWaterBottle
    case button, spool
    case knob, hooks, drawers, basket
    case plaque, clock, doormat

    /// What the words of a title name, else one of the category's usual things, chosen by `hash`.
    static func of(words: Set<String>, category: Category, hash: UInt64) -> Motif {
        for (names, motif) in named where !words.isDisjoint(with: names) { return motif }
        let choices = usual(category)
        return choices[Int(hash % UInt64(choices.count))]
    }

    // The thing itself before what is printed on it.
    private static let named: [(Set<String>, Motif)] = [
        (["BUNTING", "GARLAND"], .bunting), (["BALLOON", "BALLOONS"], .balloons), (["CLOCK", "CLOCKS"], .clock),
        (["DOORMAT"], .doormat), (["TIN", "TINS"], .tin),
        (["SIGN", "PLAQUE", "MEMOBOARD", "CHALKBOARD", "BLACKBOARD"], .plaque),
        (["NECKLACE", "BRACELET", "BEADS", "LARIAT"], .necklace), (["EARRINGS", "RING", "DIAMANTE", "CRYSTAL"], .gem),
        (["HAIRBAND", "HAIRBANDS", "HAIR", "HAIRCLIPS", "RIBBONS", "SCARF"], .bow),
        (["UMBRELLA", "PARASOL"], .umbrella),
        (["SUITCASE", "SUITCASES", "LUGGAGE", "PASSPORT", "TRAVEL"], .suitcase), (["PURSE", "WALLET"], .purse),
        (["BAG", "BAGS", "SHOPPER", "TOTE", "HANDBAG"], .tote), (["CUSHION"], .cushion),
        (["MUG", "MUGS", "CUP", "CUPS", "TEACUP", "BEAKER", "TEAPOT", "TEA", "COFFEE"], .mug),
        (["CAKESTAND", "CAKE", "CAKES", "CUPCAKE"], .cakestand),
        (["PLATE", "PLATES", "BOWL", "DISH", "TRAY", "SAUCER"], .plate),
        (["JAR", "JARS", "JAM"], .jar), (["HOTTIE", "WATER"], .hotWaterBottle), (["BOTTLE"], .bottle),
        (["T-LIGHT", "T-LIGHTS", "VOTIVE"], .hangingLight), (["LANTERN", "LANTERNS"], .lantern),
        (["CANDLE", "CANDLES", "CANDLESTICK", "INCENSE"], .candle), (["LAMP", "LAMPSHADE", "LIGHT", "LIGHTS"], .lamp),
        (["FRAME", "ART", "PICTURE"], .frame), (["MIRROR"], .mirror),
        (["NOTEBOOK", "JOURNAL", "ALBUM", "SKETCHBOOK"], .notebook),
        (["PENCILS", "PENCIL", "PEN", "PENS", "CRAYONS", "CHALK"], .pencils), (["WRAP", "GIFT", "PRESENT"], .gift),
        (["CARD", "CARDS", "ENVELOPE", "POSTCARD", "LETTER"], .envelope), (["RIBBON", "REEL", "TAPE"], .reel),
        (["BAUBLE", "BAUBLES"], .bauble), (["STOCKING", "SOCK", "SOCKS"], .stocking), (["TREE", "TREES"], .tree),
        (["TEDDY", "BEAR", "TOY"], .bear), (["JIGSAW", "PUZZLE"], .jigsaw), (["WATERING"], .wateringCan),
        (["WINDMILL"], .pinwheel), (["PLANT", "PLANTER", "POT", "HERB", "GROW"], .plant), (["SOAP", "SPONGE"], .soap),
        (["BUTTON", "BUTTONS"], .button), (["SEWING", "KNITTING", "THREAD"], .spool), (["KNOB", "KNOBS"], .knob),
        (["HOOK", "HOOKS", "HANGER"], .hooks), (["DRAWER", "DRAWERS", "CABINET"], .drawers), (["BASKET"], .basket),
        (["BOX", "BOXES"], .box), (["BUTTERFLY"], .butterfly), (["RABBIT", "BUNNY"], .rabbit),
        (["BIRD", "BIRDS", "BIRDHOUSE", "OWL", "ROBIN", "DOVE", "HEN", "CHICK", "CHICKS", "LOVEBIRD"], .bird),
        (["STAR", "STARS"], .star), (["HEART", "HEARTS"], .heart),
        (["FLOWER", "FLOWERS", "ROSE", "ROSES", "DAISY", "BLOSSOM", "LILY"], .flower),
    ]

    private static func usual(_ category: Category) -> [Motif] {
        switch category {
        case .kitchen: [.plate, .mug, .jar, .cakestand]
        case .lighting: [.candle, .lantern, .hangingLight]
        case .home: [.heart, .frame, .flower, .mirror]
        case .bags: [.tote, .purse]
        case .stationery: [.envelope, .notebook, .gift]
        case .jewellery: [.gem, .necklace, .bow]
        case .party: [.bunting, .balloons, .star]
        case .christmas: [.bauble, .tree, .star]
        case .toys: [.top, .bear, .jigsaw]
        case .garden: [.plant, .flower, .bird]
        case .bath: [.soap, .bottle]
        case .craft: [.spool, .button]
        case .storage: [.box, .basket, .hooks]
        case .signs: [.plaque, .clock]
        }
    }
}
