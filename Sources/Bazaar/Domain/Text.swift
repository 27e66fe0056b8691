/// Rules for text from outside.
enum Text {
    /// One line of text without spaces at its ends; on refusal adds a sentence for `field` and gives what it can.
    ///
    /// Refused are empty text, more characters than ``CheckoutForm/lengthMax(_:)`` and control, format and line
    /// separating characters: they hide things in labels and logs.
    static func line(
        _ text: String,
        _ field: String,
        _ whenEmpty: String,
        _ errors: inout [String: String]
    ) -> String {
        let max = CheckoutForm.lengthMax(field)
        let trimmed = trim(text)
        if trimmed.isEmpty {
            errors[field] = whenEmpty
        } else if trimmed.utf8.count > 4 * max || trimmed.unicodeScalars.count > max {
            errors[field] = "This is too long; at most \(max) characters, please."
        } else if trimmed.unicodeScalars.contains(where: isHidden) {
            errors[field] = "This holds characters that cannot be printed."
        }
        return trimmed
    }

    static func trim(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        while scalars.first == " " { scalars.removeFirst() }
        while scalars.last == " " { scalars.removeLast() }
        return String(scalars)
    }

    /// Control, format, private, unassigned and separator characters other than the space.
    static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Something, an at sign, something with a dot in it, and no spaces or quotes.
    ///
    /// Whether it exists only a letter to it can tell.
    static func looksLikeEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64 else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty }
            && !text.contains { $0.isWhitespace || "<>()[]\",;:\\".contains($0) }
    }

    /// A quantity from a form: digits only, within `range`.
    static func quantity(_ text: String, in range: ClosedRange<Int> = Basket.quantityRange) throws(ShopError) -> Int {
        let trimmed = trim(text)
        guard (1...3).contains(trimmed.utf8.count), trimmed.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(trimmed), range.contains(number)
        else {
            throw badQuantity(range)
        }
        return number
    }

    /// What to say to more products than a basket takes.
    static let tooManyProducts = ShopError.invalid(
        "product",
        "At most \(Basket.linesMax) different products in one basket, please."
    )

    /// What to say to a quantity outside `range`.
    static func badQuantity(_ range: ClosedRange<Int>) -> ShopError {
        .invalid("quantity", "Please give a whole number from \(range.lowerBound) to \(range.upperBound).")
    }
}
