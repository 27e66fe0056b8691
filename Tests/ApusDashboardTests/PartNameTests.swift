import ApusDashboard
import Testing

struct PartNameTests {
    @Test func `a name is read as it is written`() {
        #expect(PartName("storefront/1")?.description == "storefront/1")
        #expect(PartName("storefront") == nil)
        #expect(PartName("/1") == nil)
        #expect(PartName("storefront/-1") == nil)
    }
}
