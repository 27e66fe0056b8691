/// What a visitor types at the checkout, as typed.
struct CheckoutForm: Sendable, Hashable {
    /// The Idempotency-Key: 1 to 64 printable ASCII characters, random on our own pages.
    var key: String
    var name = ""
    var email = ""
    var street = ""
    var town = ""
    var postcode = ""
    var country = Country.unitedKingdom.name
    /// The version of the cart that the visitor saw.
    var version: Int64?

    init(key: String) { self.key = key }

    /// The fields that make an address.
    var address: Address {
        get { Address(name: name, email: email, street: street, town: town, postcode: postcode, country: country) }
        set {
            (name, email, street) = (newValue.name, newValue.email, newValue.street)
            (town, postcode, country) = (newValue.town, newValue.postcode, newValue.country)
        }
    }

    /// Makes sure that an Idempotency-Key is 1 to 64 printable ASCII characters.
    ///
    /// - Throws: ``ShopError`` with code `invalidInput`.
    static func checkKey(_ key: String) throws(ShopError) {
        guard (1...64).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .invalid("key", "The Idempotency-Key is 1 to 64 printable ASCII characters without spaces.")
        }
    }

    /// Longest text a field takes, in characters.
    static func lengthMax(_ field: String) -> Int {
        switch field {
        case "email": 254
        case "street": 120
        case "postcode": 16
        default: 80
        }
    }

    /// The address, if every field is in order.
    ///
    /// - Returns: Either the address, or a sentence for each field that is not.
    func checked() -> Result<Address, Refusal> {
        var errors: [String: String] = [:]
        let name = Text.line(name, "name", "Please tell us your name.", &errors)
        let email = Text.line(email, "email", "Please give an email address.", &errors)
        let street = Text.line(street, "street", "Please give a street and number.", &errors)
        let town = Text.line(town, "town", "Please give a town.", &errors)
        let postcode = Text.line(postcode, "postcode", "Please give a postcode.", &errors)
        if errors["email"] == nil, !Text.looksLikeEmail(email) {
            errors["email"] = "This does not look like an email address."
        }
        let country = Country(name: country)
        if country == nil || country?.name == Country.elsewhere {
            errors["country"] = "Please choose a country from the list."
        }
        guard errors.isEmpty, let country else { return .failure(Refusal(errors: errors)) }
        return .success(
            Address(name: name, email: email, street: street, town: town, postcode: postcode, country: country.name)
        )
    }

    /// What is wrong, by field.
    struct Refusal: Error, Sendable, Hashable {
        let errors: [String: String]
    }
}
