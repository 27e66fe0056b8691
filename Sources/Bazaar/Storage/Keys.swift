import Apus

/// Places a department's products and the stock held of them.
struct CategoryKey: ShardKey {
    let category: Category
    var shardValue: ShardValue { .text("category " + category.rawValue) }
}

/// Places a session.
struct SessionKey: ShardKey {
    let id: String
    var shardValue: ShardValue { .text(id) }
}

/// Places a cart and the checkouts made from it.
struct CartKey: ShardKey {
    let id: String
    var shardValue: ShardValue { .text(id) }
}

/// Places what an Idempotency-Key was first used for, wherever the buyer is.
struct CheckoutKey: ShardKey {
    let text: String
    var shardValue: ShardValue { .text("key " + text) }
}

/// Places a buyer and their orders within the buyer's region.
struct BuyerKey: ShardKey {
    let region: Region
    let buyer: String
    var directoryName: String? { region.rawValue }
    var shardValue: ShardValue { .text(buyer) }
}

/// Places a note by its name.
struct NoteKey: ShardKey {
    let name: String
    var shardValue: ShardValue { .text("note " + name) }
}
