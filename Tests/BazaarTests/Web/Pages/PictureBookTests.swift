import Testing

@testable import Bazaar

struct PictureBookTests {
    private let mug = ProductID("kitchen-22423")

    @Test func `a picture from the book is the picture that is drawn`() throws {
        let (book, mug) = (PictureBook(), try #require(mug))
        for title in ["Red Mug", "Heart of Wicker", "Red Mug"] {
            for _ in 0..<2 { #expect(book.svg(mug, title: title).text == Picture(mug, title: title).svg.text) }
        }
        #expect(book.count == 2)
        for category in Category.allCases {
            #expect(PictureBook.svg(category).text == Picture(category).svg.text)
        }
    }

    @Test func `the book never has more pictures than it may`() throws {
        let (book, mug) = (PictureBook(picturesMax: 3), try #require(mug))
        for number in 0..<10 {
            _ = book.svg(mug, title: "Mug \(number)")
            #expect((1...3).contains(book.count))
        }
        #expect(book.svg(mug, title: "Mug 1").text == Picture(mug, title: "Mug 1").svg.text)
    }
}
