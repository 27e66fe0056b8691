import ApusCore
import Testing

@testable import ApusStore

@Suite struct SQLiteLocationTests {
    @Test(
        arguments: [
            (nil, "/data", Following.unsaid), ("", "/data", .unsaid), ("sqlite:", "/data", .unsaid),
            ("sqlite:/x", "/x", .unsaid),
            ("sqlite:///x", "/x", .unsaid), ("sqlite:?follower=none", "/data", .ended),
            ("sqlite:?follower=/f", "/data", .place(FollowPlace(folder: "/f"))),
            ("sqlite:/x?follower=/f&follow=async", "/x", .place(FollowPlace(folder: "/f"))),
            ("sqlite:/x?follower=/f&follow=sync", "/x", .place(FollowPlace(folder: "/f", mode: .sync))),
            (
                "sqlite:/x?follow=sync&lost=continue&follower=/f", "/x",
                .place(FollowPlace(folder: "/f", mode: .sync, goesOnAlone: true))
            ),
        ] as [(String?, String, Following)]
    )
    func `a URL names a folder, and followers`(url: String?, folder: String, following: Following) throws {
        let location = try SQLiteLocation(url: url, dataFolder: "/data")
        #expect(location.folder == folder)
        #expect(location.following == following)
    }

    @Test(arguments: [
        "file:/x", "sqlite:x", "sqlite:/x#y", "sqlite:/x?y", "sqlite:/x?follow=sync", "sqlite:?follower=",
        "sqlite:?follower=f",
        "sqlite:?follower=/f&follow=both", "sqlite:?follower=/f&lost=refuse",
        "sqlite:?follower=/f&follow=sync&lost=maybe",
        "sqlite:?follower=/f&follower=/g", "sqlite:?follower=none&follow=sync", "sqlite:?replica=/f",
    ])
    func `what says neither is refused, with what is accepted`(url: String) {
        #expect(throws: ConfigurationError.self) { try SQLiteLocation(url: url, dataFolder: "/data") }
    }
}
