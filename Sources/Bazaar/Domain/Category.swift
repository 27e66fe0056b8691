/// A department of the shop; the catalogue is sharded by it.
///
/// The raw value is in addresses and in the database: it never changes.
enum Category: String, Sendable, Hashable, Codable, CaseIterable {
    case kitchen, lighting, home, bags, stationery, jewellery, party, christmas
    case toys, garden, bath, craft, storage, signs

    /// What the shop's signs say.
    var title: String {
        switch self {
        case .kitchen: "Kitchen & Dining"
        case .lighting: "Lighting & Candles"
        case .home: "Home Decor"
        case .bags: "Bags & Travel"
        case .stationery: "Stationery & Cards"
        case .jewellery: "Jewellery & Accessories"
        case .party: "Party & Celebration"
        case .christmas: "Christmas"
        case .toys: "Toys & Games"
        case .garden: "Garden"
        case .bath: "Bath & Beauty"
        case .craft: "Craft & Sewing"
        case .storage: "Storage & Hooks"
        case .signs: "Vintage Signs & Clocks"
        }
    }

    /// One word for menus.
    var word: String {
        switch self {
        case .kitchen: "Kitchen"
        case .lighting: "Lighting"
        case .home: "Home"
        case .bags: "Bags"
        case .stationery: "Stationery"
        case .jewellery: "Jewellery"
        case .party: "Party"
        case .christmas: "Christmas"
        case .toys: "Toys"
        case .garden: "Garden"
        case .bath: "Bath"
        case .craft: "Craft"
        case .storage: "Storage"
        case .signs: "Signs"
        }
    }

    /// One line under the title.
    var strapline: String {
        switch self {
        case .kitchen: "Cake stands, teacups and everything for elevenses."
        case .lighting: "Lanterns, T-light holders and the candles to go in them."
        case .home: "Frames, cushions and hearts for every wall."
        case .bags: "Lunch bags, jumbo shoppers and purses to match."
        case .stationery: "Wrap, ribbon, notebooks and a card for everyone."
        case .jewellery: "Necklaces, hair clips and warm hands."
        case .party: "Bunting up, balloons out."
        case .christmas: "Baubles, crackers and a tree in every size."
        case .toys: "Skittles, skipping ropes and soft company."
        case .garden: "Parasols, planters and a seat in the shed."
        case .bath: "Soap, tissues and the hot water bottle that keeps calm."
        case .craft: "Felt, thread and something to do with both."
        case .storage: "Drawer knobs, tins and a hook for every coat."
        case .signs: "Enamel, metal and clocks that look their age."
        }
    }
}
