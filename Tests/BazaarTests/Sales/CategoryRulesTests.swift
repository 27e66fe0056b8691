import Testing

@testable import Bazaar

@Suite struct CategoryRulesTests {
    @Test(arguments: [
        ("WHITE HANGING HEART T-LIGHT HOLDER", Category.lighting), ("JUMBO BAG RED RETROSPOT", .bags),
        ("REGENCY CAKESTAND 3 TIER", .kitchen), ("PARTY BUNTING", .party), ("LUNCH BOX I LOVE LONDON", .kitchen),
        ("ASSORTED COLOUR BIRD ORNAMENT", .home), ("PAPER CHAIN KIT 50'S CHRISTMAS", .christmas),
        ("COOK WITH WINE METAL SIGN", .signs), ("POTTERING IN THE SHED METAL SIGN", .signs),
        ("TEA BAG PLATE RED RETROSPOT", .kitchen),
        ("RED KUKUI COCONUT SEED NECKLACE", .jewellery), ("SET/10 RED POLKADOT PARTY CANDLES", .party),
        ("BLUE GLASS GEMS IN BAG", .bags), ("RED DRAWER KNOB ACRYLIC EDWARDIAN", .storage),
        ("Mini jigsaw Spaceboy", .toys),
        ("CHOCOLATE HOT WATER BOTTLE", .bath), ("FELTCRAFT BUTTERFLY HEARTS", .craft),
        ("SPACEBOY BIRTHDAY CARD", .stationery),
        ("EDWARDIAN PARASOL NATURAL", .garden), ("SOMETHING ELSE ENTIRELY", .home), ("", .home),
    ])
    func `a description's words choose the department`(description: String, category: Category) {
        #expect(CategoryRules.category(of: description) == category)
    }

    @Test(arguments: [
        ("SET/6 RED SPOTTY PAPER CUPS", "Set of 6 Red Spotty Paper Cups"),
        ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-light Holder"),
        ("BAG 125g SWIRLY MARBLES", "Bag 125g Swirly Marbles"), ("LUNCH BAG  BLACK SKULL.", "Lunch Bag Black Skull"),
        ("KEY FOB , BACK DOOR", "Key Fob, Back Door"),
        ("PAPER CHAIN KIT 50'S CHRISTMAS", "Paper Chain Kit 50's Christmas"),
        ("S/4 BLUE CUPS", "Set of 4 Blue Cups"), ("COFFEE MUG DOG + BALL DESIGN", "Coffee Mug Dog & Ball Design"),
        ("the kings", "The Kings"),
    ])
    func `a title reads like a shop's, not like a till's`(description: String, title: String) {
        #expect(TitleCase.title(of: description) == title)
    }
}
