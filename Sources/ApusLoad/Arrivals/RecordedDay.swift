/// A real day of a busy web site, for the shape called `day`.
public enum RecordedDay {
    /// Requests a second to the site of the football World Cup on 30 June 1998, its busiest day, as means of ten minutes
    /// from 00:00 to 24:00: a quiet night, a working day, and the evening's two matches.
    ///
    /// - SeeAlso: Arlitt and Jin, "Workload characterization of the 1998 World Cup web site", 1999; the Internet Traffic
    ///   Archive, freely redistributable, by nimamahmoudi/worldcup98-dataset @82460213f0d5 (MIT).
    public static let requests: [Double] = [
        323, 323, 325, 327, 310, 312, 311, 299, 286, 277, 267, 263, 266, 256, 243,
        243, 241, 236, 244, 239, 236, 237, 237, 235, 228, 214, 208, 212, 205, 199,
        201, 212, 204, 225, 221, 233, 251, 252, 255, 261, 277, 271, 269, 266, 271,
        272, 278, 259, 272, 258, 254, 257, 267, 268, 266, 265, 274, 262, 264, 268,
        262, 261, 279, 270, 288, 286, 277, 306, 305, 307, 314, 317, 331, 342, 357,
        360, 382, 381, 414, 432, 414, 446, 447, 455, 487, 549, 624, 947, 1342, 1642,
        1838, 2033, 2133, 2214, 2274, 2386, 2417, 2472, 2781, 2191, 1937, 1701, 1591, 1498, 1421,
        1346, 1333, 1290, 1277, 1252, 1236, 1231, 1216, 1276, 1526, 1877, 2048, 2116, 2302, 2309,
        2267, 2414, 2509, 2632, 2835, 3031, 2911, 3003, 3134, 3467, 3415, 2575, 1594, 798, 679,
        605, 562, 512, 465, 450, 426, 424, 418, 418, 323,
    ]
}
