/// Puts an article into a department by the words of its description.
///
/// The rules are read in order and the first one with a word or phrase in the description decides; where none has,
/// it is home decor. Phrases that would mislead (`METAL SIGN` is a sign whatever it says) come before single words.
enum CategoryRules {
    /// The department of what `description` describes; the same for the same text, whatever its case.
    static func category(of description: String) -> Category {
        let words = self.words(of: description)
        for rule in rules {
            for index in words.indices {
                guard let phrases = rule.phrases[words[index]] else { continue }
                for phrase in phrases where words[index...].starts(with: phrase) { return rule.category }
            }
        }
        return .home
    }

    /// The description's words in capitals: letters, digits, apostrophes and inner dashes.
    static func words(of description: String) -> [String] {
        description.uppercased()
            .split { !($0.isLetter || $0.isNumber || $0 == "'" || $0 == "-") }
            .map { word in String(word.drop { $0 == "-" }) }
            .filter { !$0.isEmpty }
    }

    private struct Rule {
        let category: Category
        /// By their first words.
        let phrases: [String: [[String]]]

        init(_ category: Category, _ phrases: String) {
            self.category = category
            let split = phrases.split(separator: ",").map { $0.split { $0 == " " || $0 == "\n" }.map(String.init) }
            self.phrases = Dictionary(grouping: split.filter { !$0.isEmpty }) { $0[0] }
        }
    }

    private static let rules: [Rule] = [
        // What the whole thing is, whatever else its description mentions.
        Rule(.christmas, "CHRISTMAS, XMAS, SANTA, REINDEER, BAUBLE, BAUBLES, ADVENT, SNOWFLAKE, SNOWFLAKES, SNOWMAN"),
        Rule(
            .signs,
            """
            METAL SIGN, DOOR SIGN, WALL CLOCK, ALARM CLOCK, TABLE CLOCK, CARRIAGE CLOCK, NUMBER TILE, BLOCK WORD,
            BLOCK LETTERS, HOUSE NUMBER, FRIDGE MAGNETS, KITCHEN PRINT, GARDEN SIGN, TOILET SIGN, BATHROOM SIGN,
            WC SIGN, CLOCK
            """
        ),
        Rule(
            .jewellery,
            "NECKLACE, NECKLAC, NECKL, BRACELET, EARRINGS, EARRING, KEY FOB, KEY RING, BAG CHARM, KEYRING"
        ),
        Rule(.home, "WALL ART, PHOTO FRAME, PICTURE FRAME, CUSHION COVER, FABRIC MIRROR, MIRRORED WALL ART"),
        Rule(
            .kitchen,
            """
            CAKE CASES, LUNCH BOX, NAPKIN RING, NAPKIN RINGS, TEA TOWEL, TEA TOWELS, WASHING UP GLOVES, EGG CUP, EGG COSY,
            TV DINNER TRAY, TEA BAG, BISCUIT TIN, PAPER NAPKINS, NAPKINS, FOOD COVER, CAKE TINS, CAKE TIN, COOKIE CUTTERS,
            BISCUIT CUTTERS, MUG, MUGS, APRON, TEACUP, DINNER PLATE, BREAKFAST SET, BEAKER, DOILIES, CHILDRENS CUTLERY
            """
        ),
        Rule(.bags, "CARD WALLET, CARD HOLDER, PICNIC BAG, LUNCH BAG, JUMBO BAG, COSMETIC BAG, COSMETICS BAG, WASHBAG"),
        Rule(
            .storage,
            "DRAWER KNOB, TRINKET BOX, STORAGE BOX, STORAGE JAR, COAT RACK, COAT HANGER, TRINKET POT, PEG BAG"
        ),
        Rule(.toys, "SOFT TOY, CARD GAME, PLAYING CARDS, SNAP CARDS, OF MARBLES, MARBLES, JIGSAW, GLIDERS, HELICOPTER"),
        Rule(.party, "PARTY CANDLES, CONFETTI, COCKTAIL PARASOL, COCKTAIL PARASOLS, PAPER CUPS, PAPER PLATES, BUNTING"),
        Rule(.lighting, "T-LIGHT, T-LIGHTS, NIGHT LIGHT, CANDLE, CANDLES, CANDLESTICK"),
        Rule(.jewellery, "LIP GLOSS, HAND WARMER, HAIRBAND, HAIRBANDS"),
        Rule(.bath, "TISSUE BOX, HOT WATER BOTTLE, TISSUES, PLASTERS"),
        // Then by any telling word.
        Rule(
            .christmas,
            "NOEL, NATIVITY, STOCKING, TOMTE, WISE MEN, JINGLE, SNOW, SNOWMEN, CRACKERS, SLEIGH, HOLLY WREATH"
        ),
        Rule(
            .garden,
            """
            GARDEN, PLANT, PLANTER, POTTING, WATERING, BIRDHOUSE, BIRD FEEDER, BIRD TABLE, BIRD BATH, NEST BOX, PARASOL,
            SEED, SEEDS, HERB, GARDENERS, SHED, FLOWER POT, WINDMILL, WIND CHIME, GROW, BEE HOUSE, HAMMOCK, DECKCHAIR,
            TRELLIS, FLOWERPOT, ALLOTMENT, PICNIC, GNOME, POND, TERRACOTTA, WINDOW BOX, CHIME, BIRD HOUSE
            """
        ),
        Rule(
            .stationery,
            """
            GIFT BAG, CARD, CARDS, MINICARDS, NOTEBOOK, NOTEBOOKS, NOTE BOOK, PENCIL, PENCILS, PEN, PENS, STICKER, STICKERS,
            TAPE, TAG, TAGS, WRAP, WRAPPING, STATIONERY, JOURNAL, ALBUM, ENVELOPE, ENVELOPES, ERASER, ERASERS, RIBBON,
            RIBBONS, REEL, CALENDAR, SKETCHBOOK, DIARY, NOTEPAD, MEMO, RULER, RUBBER, STAMP, STAMPS, SHARPENER, WRITING,
            ORIGAMI, POSTCARD, POSTCARDS, BOOKMARK, BOOK MARK, ADDRESS BOOK, PAPER CLIP, BOOK COVER, EXERCISE BOOKS,
            NOTELETS, CHALK, INVITES, SILK PAPER
            """
        ),
        Rule(
            .jewellery,
            """
            NECKLACES, BRACELETS, EARR, BROOCH, BANGLE, BANGLES, PENDANT, HAIR, HAIRCLIP, HAIRCLIPS, HAIRSLIDES, ALICE BAND,
            CHOKER, LARIAT, GLOVES, SCARF, SHAWL, SUNGLASSES, PHONE CHARM, DIAMANTE, KEY-RING, KEY CHAIN, KEY-CHAIN,
            SLIPPER, SLIPPERS, SLIPPERPAIR, SOCK, SOCKS, RING, TIARA, LEG WARMERS, WATCH, BADGES, EARMUFF, BOOTS
            """
        ),
        Rule(
            .bags,
            """
            BAG, BAGS, HANDBAG, TOTE, SHOPPER, LUGGAGE, PASSPORT, BACKPACK, RUCKSACK, UMBRELLA, PURSE, WALLET, TRAVEL,
            SUITCASE, SUITCASES, HOLDALL, CLUTCH, SATCHEL, SHOULDER, RAINCOAT, RAIN MAC, PONCHO, SHOPPING, GLASSES CASE
            """
        ),
        Rule(
            .party,
            """
            PARTY, BIRTHDAY, BALLOON, BALLOONS, PAPER CHAIN, GARLAND, STRAWS, EASTER, PINATA, HEN NIGHT, WEDDING,
            VALENTINE, VALENTINES, HALLOWEEN, HONEYCOMB, MASK, MASKS, DISCO, SPARKLERS, POM POM, CHICK, CHICKS, LEIS
            """
        ),
        Rule(
            .toys,
            """
            TOY, TOYS, GAME, GAMES, DOLL, DOLLS, DOLLY, PUZZLE, PUZZLES, SKIPPING, CHILDRENS, CHILDREN'S, CHILDS, CHILD'S,
            KIDS, BABY, TEDDY, SOLDIER, SKITTLES, DOMINOES, PLAYHOUSE, PLAYING, ROBOT, RACING, SPINNING TOPS, YOYO,
            KALEIDOSCOPE, MONEY BOX, MONEY BANK, PIGGY BANK, DINOSAUR, LUDO, CHESS, BACKGAMMON, PUPPET, PUPPETS, ROCKING,
            KITE, SLATE, DRAWING, COLOURING, CRAYONS, BALL, SPACEBOY, CIRCUS, CATAPULT, HARMONICA, MODELLING CLAY, SCHOOL,
            TRANSFERS, TATTOOS, BUBBLES, PAINT, PAINTS, MONEY
            """
        ),
        Rule(
            .lighting,
            """
            CANDLEHOLDER, CANDLEPOT, CANDELABRA, TEA LIGHT, TEALIGHT, T LIGHT, LIGHT, LIGHTS, LANTERN, LANTERNS, LAMP,
            LAMPS, LAMPSHADE, CHANDELIER, INCENSE, VOTIVE, MATCHES, SCENTED, SCENT, BURNER, TORCH, FRAGRANCE, WICK,
            CHOCOLATECANDLE
            """
        ),
        Rule(
            .craft,
            """
            SEWING, KNITTING, FELTCRAFT, CROCHET, PATCHES, FABRIC, CRAFT, BUTTONS, BUTTON, QUILT, PATCH, PATCHWORK,
            MAKE YOUR OWN, FELT, NEEDLE, PIN CUSHION, THREAD, WOOL, DECOUPAGE, CROSS STITCH, SCISSOR, SCISSORS, BEADS, KIT
            """
        ),
        Rule(
            .bath,
            """
            SOAP, BATH, BATHS, BATHROOM, TOWEL, TOWELS, FLANNEL, SPONGE, COSMETIC, SHAVING, BALM, TOOTHBRUSH, TOILET, SHOWER,
            MANICURE, NAIL, FIRST AID, HAND CREAM, PERFUME, EAU DE, WATER BOTTLE, HOTTIE, COMPACT, LOO, LAVENDER, TISSUE
            """
        ),
        Rule(
            .kitchen,
            """
            CUP, CUPS, SAUCER, SAUCERS, CAKE, CAKES, CAKESTAND, PLATE, PLATES, BOWL, BOWLS, TEA, TEAPOT, COFFEE, KITCHEN,
            CUTLERY, JUG, NAPKIN, JAM, BAKING, COOKIE, BISCUIT, LUNCH, OVEN, TRAY, RECIPE, EGG, SPOON, SPOONS, FORK, KNIFE,
            DISH, FOOD, FRYING, JELLY, MOULD, MOULDS, ICE, MILK, PANTRY, BREAKFAST, DINNER, BREAD, COASTER, COASTERS,
            PLACEMAT, PLACEMATS, PLACE MAT, TABLECLOTH, TABLE MAT, CHOPPING, PIE, TOAST, LUNCHBOX, SNACK, CUTTERS, MEASURING,
            WHISK, PAN, CONTAINER, CHOCOLATE, SUGAR, CUPCAKE, SALT, PEPPER, WINE, BOTTLE OPENER, CORKSCREW, CHEESE, BUTTER,
            CANISTER, CASSEROLE, SALAD, TRIVET, SANDWICH, HAMPER, TUMBLER, GOBLET, DECANTER, POT, COLANDER, TEATIME, COSY,
            FRUIT, COCKTAIL, CHAMPAGNE, DOILY, FLASK, SCALES, POPCORN, CARAFE, STRAINER, BISCUITS, RUNNER, SHAKER,
            CHOPSTICKS, TONGS, PLACE SETTING, PIZZA
            """
        ),
        Rule(
            .signs,
            """
            SIGN, SIGNS, CLOCKS, DOORMAT, DOOR MAT, NUMBER, TILE, ALPHABET, LETTER, PLAQUE, BILLBOARD, THERMOMETER,
            CHALKBOARD, MAGNET, MAGNETS, NOTICE BOARD, NOTICEBOARD, PINBOARD, PIN BOARD, MEMOBOARD, POSTER, BLACK BOARD,
            BLACKBOARD
            """
        ),
        Rule(
            .storage,
            """
            BOX, BOXES, BASKET, BASKETS, DRAWER, DRAWERS, CABINET, HOOK, HOOKS, HANGER, HANGERS, TIN, TINS, STORAGE, KNOB,
            KNOBS, ORGANISER, TIDY, CHEST, SHELF, BUCKET, BIN, CRATE, TRUNK, JAR, JARS, DOORSTOP, HOLDER, STAND, PEGS, PEG,
            RACK, LAUNDRY, CASE, HANDLE, DOORKNOB
            """
        ),
    ]
}
