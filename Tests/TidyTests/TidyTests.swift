import Testing

@Test func `a`() { #expect(1 == 1) }
@Test(.enabled(if: false, "no")) func `b`() {}
@Test(arguments: [1, 2, 3]) func `c`(x: Int) { #expect(x != 2) }
