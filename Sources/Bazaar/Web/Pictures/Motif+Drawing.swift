extension Motif {
    /// The thing on a field of 240 by 240, in the palette's colours.
    func drawing(_ colours: Palette) -> HTML {
        let (main, accent, ink) = (colours.main, colours.accent, colours.ink)
        switch self {
        case .heart:
            return """
                <path d="M120 184C50 136 54 78 92 74c16-1 25 9 28 20 3-11 12-21 28-20 38 4 42 62-28 110z" fill="\(main)"/>\
                <path d="M120 168c-50-36-48-76-26-78 12-1 22 8 26 22 4-14 14-23 26-22 22 2 24 42-26 78z" fill="none" \
                stroke="\(accent)" stroke-width="3" stroke-dasharray="7 6" stroke-linecap="round"/>
                """
        case .star:
            return """
                <polygon points="120,60 136,102 179,105 146,132 156,174 120,151 84,174 94,132 61,105 104,102" \
                fill="\(main)" stroke="\(main)" stroke-width="8" stroke-linejoin="round"/>\
                <circle cx="120" cy="122" r="13" fill="\(accent)"/>
                """
        case .flower:
            let petals = stride(from: 0, to: 360, by: 60).map { angle in
                "<ellipse cx=\"120\" cy=\"70\" rx=\"19\" ry=\"30\" transform=\"rotate(\(angle) 120 102)\"/>" as HTML
            }
            return """
                <path d="M120 110v92" stroke="\(ink)" stroke-width="6" stroke-linecap="round"/>\
                <path d="M120 186c-26 2-40-14-42-30 24-2 40 8 42 30z" fill="\(ink)"/>\
                <g fill="\(main)">\(petals)</g><circle cx="120" cy="102" r="18" fill="\(accent)"/>
                """
        case .bird:
            return """
                <path d="M58 168l26-32c-6-36 22-58 52-50 6-14 34-18 42 4l18 8-18 8c2 44-42 66-84 50z" fill="\(main)"/>\
                <path d="M96 128c20-14 42-10 52 6-16 18-40 18-52-6z" fill="\(accent)"/>\
                <circle cx="160" cy="92" r="5" fill="\(ink)"/>\
                <path d="M116 164v24M134 162v26" stroke="\(ink)" stroke-width="4" stroke-linecap="round"/>
                """
        case .butterfly:
            return """
                <g fill="\(main)"><ellipse cx="86" cy="96" rx="38" ry="28" transform="rotate(28 86 96)"/>\
                <ellipse cx="154" cy="96" rx="38" ry="28" transform="rotate(-28 154 96)"/>\
                <ellipse cx="94" cy="148" rx="28" ry="21" transform="rotate(-24 94 148)"/>\
                <ellipse cx="146" cy="148" rx="28" ry="21" transform="rotate(24 146 148)"/></g>\
                <g fill="\(accent)"><circle cx="82" cy="94" r="11"/><circle cx="158" cy="94" r="11"/></g>\
                <path d="M120 82v86M120 84l-14-22M120 84l14-22" stroke="\(ink)" stroke-width="5" fill="none" \
                stroke-linecap="round"/>
                """
        case .rabbit:
            return """
                <g fill="\(main)"><ellipse cx="102" cy="80" rx="13" ry="38" transform="rotate(-8 102 80)"/>\
                <ellipse cx="138" cy="80" rx="13" ry="38" transform="rotate(8 138 80)"/><circle cx="120" cy="144" r="46"/></g>\
                <g fill="\(ink)"><circle cx="104" cy="138" r="5"/><circle cx="136" cy="138" r="5"/></g>\
                <ellipse cx="120" cy="156" rx="8" ry="6" fill="\(accent)"/>
                """
        case .mug:
            return """
                <path d="M154 104h16c30 0 30 52-8 52h-8" fill="none" stroke="\(main)" stroke-width="11"/>\
                <path d="M74 88h82v70c0 18-12 28-26 28h-30c-14 0-26-10-26-28z" fill="\(main)"/>\
                <g fill="\(accent)"><circle cx="96" cy="116" r="7"/><circle cx="124" cy="116" r="7"/>\
                <circle cx="110" cy="138" r="7"/><circle cx="138" cy="138" r="7"/><circle cx="96" cy="160" r="7"/>\
                <circle cx="124" cy="160" r="7"/></g>\
                <path d="M100 72c-8-10 8-14 0-26M128 72c-8-10 8-14 0-26" fill="none" stroke="\(ink)" stroke-width="4" \
                stroke-linecap="round" opacity=".5"/>
                """
        case .cakestand:
            return """
                <path d="M120 66v120M88 190h64" stroke="\(ink)" stroke-width="6" stroke-linecap="round"/>\
                <path d="M96 66c4-24 44-24 48 0z" fill="\(accent)" stroke="\(main)" stroke-width="3"/><circle cx="120" cy="44" r="6" fill="\(ink)"/>\
                <g fill="\(main)"><path d="M88 68h64l-8 12H96zM66 112h108l-10 13H76zM46 160h148l-12 14H58z"/></g>\
                <g fill="\(accent)" stroke="\(main)" stroke-width="3"><path d="M82 110c2-18 28-18 30 0zM128 110c2-18 28-18 30 0zM66 158c2-20 30-20 32 0z\
                M142 158c2-20 30-20 32 0z"/></g>
                """
        case .plate:
            return """
                <circle cx="120" cy="122" r="66" fill="\(main)"/><circle cx="120" cy="122" r="54" fill="none" \
                stroke="\(accent)" stroke-width="4" stroke-dasharray="2 9" stroke-linecap="round"/>\
                <circle cx="120" cy="122" r="40" fill="\(accent)"/>\
                <path d="M120 142c-18-13-17-28-8-29 4 0 7 3 8 6 1-3 4-6 8-6 9 1 10 16-8 29z" fill="\(main)"/>
                """
        case .jar:
            return """
                <rect x="78" y="84" width="84" height="104" rx="18" fill="\(accent)" stroke="\(main)" stroke-width="5"/>\
                <rect x="82" y="58" width="76" height="24" rx="7" fill="\(main)"/>\
                <rect x="90" y="114" width="60" height="46" rx="6" fill="\(main)"/>\
                <path d="M102 130h36M108 144h24" stroke="\(accent)" stroke-width="5" stroke-linecap="round"/>
                """
        case .bottle:
            return """
                <path d="M106 56h28v34c0 10 22 16 22 38v50c0 8-6 14-14 14H98c-8 0-14-6-14-14v-50c0-22 22-28 22-38z" \
                fill="\(main)"/><rect x="102" y="46" width="36" height="14" rx="5" fill="\(ink)"/>\
                <rect x="84" y="132" width="72" height="36" fill="\(accent)"/>\
                <path d="M100 150h40" stroke="\(ink)" stroke-width="4" stroke-linecap="round"/>
                """
        case .box:
            return """
                <rect x="64" y="100" width="112" height="84" rx="6" fill="\(main)"/>\
                <rect x="56" y="78" width="128" height="30" rx="7" fill="\(main)"/>\
                <path d="M56 106h128" stroke="\(ink)" stroke-width="3" opacity=".5"/>\
                <rect x="94" y="128" width="52" height="30" rx="5" fill="\(accent)"/>\
                <path d="M106 143h28" stroke="\(ink)" stroke-width="4" stroke-linecap="round"/>
                """
        case .tin:
            return """
                <path d="M66 84v88c0 30 108 30 108 0V84z" fill="\(main)"/>\
                <path d="M66 118c0 26 108 26 108 0v30c0 26-108 26-108 0z" fill="\(accent)"/>\
                <ellipse cx="120" cy="84" rx="54" ry="19" fill="\(ink)"/><ellipse cx="120" cy="79" rx="54" ry="19" fill="\(main)"/>\
                <ellipse cx="120" cy="79" rx="38" ry="11" fill="none" stroke="\(accent)" stroke-width="3"/>
                """
        default:
            return moreDrawings(colours)
        }
    }

    private func moreDrawings(_ colours: Palette) -> HTML {
        let (main, accent, ink) = (colours.main, colours.accent, colours.ink)
        switch self {
        case .candle:
            return """
                <circle cx="120" cy="76" r="46" fill="\(main)" opacity=".22"/>\
                <rect x="92" y="108" width="56" height="76" rx="8" fill="\(accent)"/>\
                <path d="M92 122c12 14 18-6 28 4s18 8 28-4v-6c0-5-4-8-8-8h-40c-5 0-8 3-8 8z" fill="\(main)" opacity=".55"/>\
                <path d="M120 110V94" stroke="\(ink)" stroke-width="4"/>\
                <path d="M120 50c20 22 16 46 0 46s-20-24 0-46z" fill="\(main)"/>\
                <path d="M76 188h88" stroke="\(ink)" stroke-width="7" stroke-linecap="round"/>
                """
        case .lantern:
            return """
                <path d="M120 48c22 0 26 16 26 26H94c0-10 4-26 26-26z" fill="none" stroke="\(ink)" stroke-width="6"/>\
                <path d="M88 92l12-20h40l12 20z" fill="\(ink)"/><rect x="84" y="92" width="72" height="84" fill="\(main)" \
                opacity=".28"/><path d="M86 92v84M120 92v20M154 92v84" stroke="\(ink)" stroke-width="5"/>\
                <path d="M120 112c14 16 12 32 0 32s-14-16 0-32z" fill="\(main)"/>\
                <rect x="108" y="144" width="24" height="32" rx="3" fill="\(accent)"/>\
                <rect x="76" y="174" width="88" height="14" rx="4" fill="\(ink)"/>
                """
        case .hangingLight:
            return """
                <path d="M120 20v34M120 54L76 104M120 54l44 50" stroke="\(ink)" stroke-width="4" fill="none"/>\
                <circle cx="120" cy="132" r="62" fill="\(main)" opacity=".18"/>\
                <path d="M72 104h96c0 52-18 78-48 78s-48-26-48-78z" fill="\(main)" opacity=".5"/>\
                <rect x="68" y="98" width="104" height="12" rx="6" fill="\(ink)"/>\
                <path d="M120 118c14 16 12 30 0 30s-14-14 0-30z" fill="\(accent)"/>\
                <rect x="100" y="150" width="40" height="16" rx="4" fill="\(accent)"/>
                """
        case .lamp:
            return """
                <path d="M92 64h56l24 62H68z" fill="\(main)"/><path d="M84 86h72M76 106h88" stroke="\(accent)" \
                stroke-width="4" stroke-dasharray="2 9" stroke-linecap="round"/>\
                <path d="M120 126v48" stroke="\(ink)" stroke-width="8"/>\
                <path d="M88 186c0-18 64-18 64 0z" fill="\(ink)"/><path d="M148 126v22" stroke="\(accent)" stroke-width="3"/>\
                <circle cx="148" cy="152" r="5" fill="\(accent)"/>
                """
        case .frame:
            return """
                <rect x="66" y="54" width="108" height="132" rx="5" fill="\(main)"/>\
                <rect x="80" y="68" width="80" height="104" fill="\(accent)"/>\
                <circle cx="136" cy="94" r="10" fill="\(main)" opacity=".8"/>\
                <path d="M80 150c20-26 34-26 48-8s22 10 32 0v30H80z" fill="\(ink)" opacity=".75"/>
                """
        case .cushion:
            return """
                <path d="M62 70c30 10 86 10 116 0 8 34 8 76 0 110-30-10-86-10-116 0-8-34-8-76 0-110z" fill="\(main)"/>\
                <path d="M76 84c26 8 62 8 88 0 6 28 6 54 0 82-26-8-62-8-88 0-6-28-6-54 0-82z" fill="none" \
                stroke="\(accent)" stroke-width="3" stroke-dasharray="7 6" stroke-linecap="round"/>\
                <circle cx="120" cy="125" r="9" fill="\(accent)"/>
                """
        case .mirror:
            return """
                <ellipse cx="120" cy="120" rx="54" ry="70" fill="\(main)"/><ellipse cx="120" cy="120" rx="41" ry="56" \
                fill="\(accent)"/><path d="M96 136l40-48M108 154l40-48" stroke="\(main)" stroke-width="5" \
                stroke-linecap="round" opacity=".45"/><circle cx="120" cy="46" r="9" fill="\(ink)"/>
                """
        case .tote:
            return """
                <path d="M92 98c0-58 56-58 56 0" fill="none" stroke="\(ink)" stroke-width="8"/>\
                <path d="M66 92h108l10 92H56z" fill="\(main)"/>\
                <g fill="\(accent)"><circle cx="86" cy="118" r="8"/><circle cx="120" cy="118" r="8"/>\
                <circle cx="154" cy="118" r="8"/><circle cx="103" cy="142" r="8"/><circle cx="137" cy="142" r="8"/>\
                <circle cx="84" cy="166" r="8"/><circle cx="120" cy="166" r="8"/><circle cx="156" cy="166" r="8"/></g>
                """
        case .purse:
            return """
                <path d="M62 106c-8 76 18 84 58 84s66-8 58-84c-24-10-92-10-116 0z" fill="\(main)"/>\
                <path d="M64 108c10-40 102-40 112 0" fill="none" stroke="\(ink)" stroke-width="9" stroke-linecap="round"/>\
                <circle cx="112" cy="72" r="9" fill="\(ink)"/><circle cx="129" cy="72" r="9" fill="\(ink)"/>\
                <path d="M120 172c-26-19-25-38-12-40 7-1 11 4 12 9 1-5 5-10 12-9 13 2 14 21-12 40z" fill="\(accent)"/>
                """
        case .umbrella:
            return """
                <path d="M46 122c4-92 144-92 148 0-14-12-30-12-37 0-12-12-26-12-37 0-11-12-25-12-37 0-7-12-23-12-37 0z" \
                fill="\(main)"/><path d="M120 54c-24 14-36 36-37 68M120 54c24 14 36 36 37 68" fill="none" stroke="\(accent)" \
                stroke-width="4"/><path d="M120 42v12M120 116v56c0 22-30 22-30 2" fill="none" stroke="\(ink)" \
                stroke-width="6" stroke-linecap="round"/>
                """
        case .suitcase:
            return """
                <path d="M98 84V64h44v20" fill="none" stroke="\(ink)" stroke-width="8" stroke-linejoin="round"/>\
                <rect x="54" y="82" width="132" height="98" rx="14" fill="\(main)"/>\
                <path d="M84 82v98M156 82v98" stroke="\(accent)" stroke-width="9"/>\
                <rect x="106" y="118" width="28" height="20" rx="4" fill="\(ink)"/>
                """
        case .envelope:
            return """
                <rect x="54" y="80" width="132" height="92" rx="7" fill="\(main)"/>\
                <path d="M56 84l64 50 64-50" fill="\(accent)" stroke="\(ink)" stroke-width="3" stroke-linejoin="round"/>\
                <path d="M120 144c-15-11-15-22-7-23 4-1 6 2 7 5 1-3 3-6 7-5 8 1 8 12-7 23z" fill="\(ink)"/>
                """
        case .notebook:
            return """
                <rect x="72" y="56" width="100" height="128" rx="8" fill="\(main)"/><path d="M92 56v128" stroke="\(ink)" \
                stroke-width="6"/><rect x="106" y="82" width="50" height="32" rx="4" fill="\(accent)"/>\
                <path d="M114 94h34M114 103h22" stroke="\(ink)" stroke-width="3" stroke-linecap="round"/>\
                <path d="M150 184v16l-8-6-8 6v-16z" fill="\(accent)"/>
                """
        case .pencils:
            return """
                <g transform="rotate(-14 120 120)"><path d="M74 92h24v92H74z" fill="\(main)"/><path d="M74 92l12-34 12 34z" \
                fill="\(accent)"/><path d="M82 70l4-12 4 12z" fill="\(ink)"/></g><path d="M108 88h24v98h-24z" fill="\(ink)"/>\
                <path d="M108 88l12-34 12 34z" fill="\(accent)"/><path d="M116 66l4-12 4 12z" fill="\(ink)"/>\
                <g transform="rotate(14 120 120)"><path d="M142 92h24v92h-24z" fill="\(main)"/><path d="M142 92l12-34 12 34z" \
                fill="\(accent)"/><path d="M150 70l4-12 4 12z" fill="\(ink)"/></g>
                """
        case .reel:
            return """
                <circle cx="112" cy="116" r="58" fill="\(main)"/><circle cx="112" cy="116" r="43" fill="none" stroke="\(accent)" \
                stroke-width="4" stroke-dasharray="8 7"/><circle cx="112" cy="116" r="22" fill="\(accent)"/>\
                <circle cx="112" cy="116" r="9" fill="\(ink)"/>\
                <path d="M112 166c40 0 60 4 84 20v12c-26-14-50-20-84-20z" fill="\(main)"/>
                """
        case .gift:
            return """
                <rect x="66" y="104" width="108" height="80" rx="5" fill="\(main)"/>\
                <rect x="58" y="84" width="124" height="28" rx="5" fill="\(main)"/>\
                <path d="M112 84h16v100h-16z" fill="\(accent)"/><path d="M58 111h124" stroke="\(ink)" stroke-width="2.5" \
                opacity=".35"/><path d="M120 84c-8-34-48-36-44-14 2 12 26 16 44 14zM120 84c8-34 48-36 44-14-2 12-26 16-44 14z" \
                fill="\(ink)"/>
                """
        case .necklace:
            let beads = Self.beads.enumerated().map { index, bead in
                """
                <circle cx="\(bead.0)" cy="\(bead.1)" r="\(index == 6 ? 15 : 9)" \
                fill="\(index == 6 || index % 2 == 1 ? ink : main)"/>
                """ as HTML
            }
            return """
                <path d="M62 72c-4 112 120 112 116 0" fill="none" stroke="\(ink)" stroke-width="3"/>\(beads)
                """
        case .gem:
            return """
                <path d="M82 74h76l30 38-68 76-68-76z" fill="\(main)"/><path d="M82 74l38 38 38-38M52 112h136M120 112v76M92 112\
                l28 76 28-76" fill="none" stroke="\(accent)" stroke-width="3.5" stroke-linejoin="round"/>
                """
        case .bow:
            return """
                <path d="M112 128l-30 62 22-6 10 18 18-66zM128 128l30 62-22-6-10 18-18-66z" fill="\(ink)"/>\
                <path d="M120 118c-26-44-70-52-70-18s0 62 70 18zM120 118c26-44 70-52 70-18s0 62-70 18z" fill="\(main)"/>\
                <path d="M106 116c-18-14-34-18-42-10M134 116c18-14 34-18 42-10" fill="none" stroke="\(accent)" \
                stroke-width="4" stroke-linecap="round"/><rect x="106" y="102" width="28" height="32" rx="9" fill="\(ink)"/>
                """
        default:
            return lastDrawings(colours)
        }
    }

    private static let beads = [
        (62, 72), (64, 94), (70, 114), (79, 131), (91, 145), (105, 153), (120, 157), (135, 153), (149, 145), (161, 131),
        (170, 114), (176, 94), (178, 72),
    ]

    private func lastDrawings(_ colours: Palette) -> HTML {
        let (main, accent, ink) = (colours.main, colours.accent, colours.ink)
        switch self {
        case .bunting:
            return """
                <path d="M8 74c60 50 164 50 224 0" fill="none" stroke="\(ink)" stroke-width="4"/>\
                <path d="M18 82l40 20-26 40zM150 110l40-11-12 50z" fill="\(main)"/>\
                <path d="M62 104l40 8-26 44zM194 98l34-19-3 46z" fill="\(accent)"/><path d="M106 112h40l-20 48z" fill="\(ink)"/>
                """
        case .balloons:
            return """
                <path d="M82 132c10 40 34 40 38 76M120 116v92M158 132c-10 40-34 40-38 76" fill="none" stroke="\(ink)" \
                stroke-width="3"/><ellipse cx="78" cy="98" rx="30" ry="37" fill="\(accent)"/>\
                <ellipse cx="162" cy="98" rx="30" ry="37" fill="\(ink)"/><ellipse cx="120" cy="78" rx="33" ry="41" \
                fill="\(main)"/><path d="M106 58c-6 6-8 14-8 20" fill="none" stroke="\(accent)" stroke-width="4" \
                stroke-linecap="round"/>
                """
        case .bauble:
            return """
                <path d="M120 0v58" stroke="\(ink)" stroke-width="3"/><rect x="108" y="56" width="24" height="18" rx="4" \
                fill="\(ink)"/><circle cx="120" cy="130" r="58" fill="\(main)"/>\
                <path d="M64 116h112c3 10 3 18 0 28H64c-3-10-3-18 0-28z" fill="\(accent)"/>\
                <path d="M74 130l11-9 12 18 12-18 12 18 12-18 12 18 12-18 10 9" fill="none" stroke="\(main)" stroke-width="4" \
                stroke-linejoin="round"/>
                """
        case .tree:
            return """
                <rect x="110" y="172" width="20" height="22" fill="\(ink)"/>\
                <path d="M120 46l34 48H86zM120 78l46 56H74zM120 114l58 62H62z" fill="\(main)"/>\
                <g fill="\(accent)"><circle cx="108" cy="86" r="5"/><circle cx="136" cy="118" r="6"/>\
                <circle cx="98" cy="124" r="5"/><circle cx="120" cy="152" r="6"/><circle cx="152" cy="160" r="5"/>\
                <circle cx="86" cy="162" r="5"/></g><circle cx="120" cy="44" r="8" fill="\(accent)"/>
                """
        case .stocking:
            return """
                <path d="M88 76h62v66c0 10 34 16 34 34 0 16-12 18-24 18h-48c-20 0-24-12-24-28z" fill="\(main)"/>\
                <rect x="80" y="56" width="78" height="28" rx="8" fill="\(accent)"/>\
                <path d="M88 112h62M88 130h62" stroke="\(accent)" stroke-width="5" stroke-dasharray="2 10" \
                stroke-linecap="round"/><path d="M160 194c14 0 24-4 24-18-14-2-28 4-24 18z" fill="\(ink)"/>
                """
        case .top:
            return """
                <path d="M120 48v32" stroke="\(ink)" stroke-width="9" stroke-linecap="round"/>\
                <path d="M60 110c0-40 120-40 120 0 0 30-34 46-60 84-26-38-60-54-60-84z" fill="\(main)"/>\
                <path d="M60 108c12 18 108 18 120 0l-4 18c-14 14-98 14-112 0z" fill="\(accent)"/>\
                <path d="M84 144c16 8 56 8 72 0l-10 12c-10 5-42 5-52 0z" fill="\(ink)"/>
                """
        case .bear:
            return """
                <g fill="\(main)"><circle cx="80" cy="84" r="22"/><circle cx="160" cy="84" r="22"/>\
                <circle cx="120" cy="126" r="58"/></g><g fill="\(accent)"><circle cx="80" cy="84" r="10"/>\
                <circle cx="160" cy="84" r="10"/><ellipse cx="120" cy="146" rx="27" ry="22"/></g>\
                <g fill="\(ink)"><circle cx="100" cy="116" r="6"/><circle cx="140" cy="116" r="6"/>\
                <ellipse cx="120" cy="137" rx="9" ry="6"/></g><path d="M120 143v8c-4 6-12 6-14 0M120 151c4 6 12 6 14 0" \
                fill="none" stroke="\(ink)" stroke-width="3" stroke-linecap="round"/>
                """
        case .jigsaw:
            return """
                <path d="M66 84h38c-12-32 44-32 32 0h38v38c32-12 32 44 0 32v34h-38c12-30-44-30-32 0H66v-34c-32 12-32-44 0-32z" \
                fill="\(main)" stroke="\(accent)" stroke-width="4" stroke-linejoin="round"/>
                """
        case .plant:
            return """
                <path d="M120 136V64" stroke="\(ink)" stroke-width="5"/>\
                <path d="M120 112c-46 2-58-26-58-46 34-2 58 12 58 46zM120 92c44 0 54-26 54-44-32-2-54 12-54 44z" fill="\(main)"/>\
                <path d="M78 132h84l-10 58H88z" fill="\(ink)"/><rect x="72" y="124" width="96" height="20" rx="5" \
                fill="\(ink)"/><path d="M76 145h88" stroke="\(accent)" stroke-width="3" opacity=".5"/>
                """
        case .pinwheel:
            return """
                <path d="M120 108v96" stroke="\(ink)" stroke-width="6" stroke-linecap="round"/>\
                <path d="M120 104V40c34 6 34 44 0 64zM120 104h64c-6 34-44 34-64 0z" fill="\(main)"/>\
                <path d="M120 104v64c-34-6-34-44 0-64zM120 104H56c6-34 44-34 64 0z" fill="\(accent)"/>\
                <circle cx="120" cy="104" r="9" fill="\(ink)"/>
                """
        case .wateringCan:
            return """
                <path d="M84 104h80l10 80H74z" fill="\(main)"/><path d="M166 122l40-34M92 104c-4-56 64-56 62 0" fill="none" \
                stroke="\(main)" stroke-width="11" stroke-linecap="round"/>\
                <path d="M194 74l24 24-12 6-18-18z" fill="\(ink)"/><path d="M120 164c-18-13-17-26-8-27 4 0 7 3 8 6 1-3 4-6 8-6 9 \
                1 10 14-8 27z" fill="\(accent)"/>
                """
        case .soap:
            return """
                <rect x="58" y="112" width="124" height="70" rx="30" fill="\(main)"/><rect x="76" y="128" width="88" height="38" \
                rx="18" fill="none" stroke="\(accent)" stroke-width="4"/>\
                <g fill="\(accent)" stroke="\(main)" stroke-width="4"><circle cx="92" cy="88" r="17"/><circle cx="132" cy="72" \
                r="23"/><circle cx="160" cy="98" r="12"/></g>
                """
        case .hotWaterBottle:
            return """
                <path d="M106 52h28l6 30H100z" fill="\(ink)"/>\
                <path d="M82 88c0-12 76-12 76 0 10 30 10 66 0 92-6 14-70 14-76 0-10-26-10-62 0-92z" fill="\(main)"/>\
                <path d="M100 108v62M120 104v70M140 108v62" stroke="\(accent)" stroke-width="6" stroke-linecap="round" \
                stroke-dasharray="1 14"/>
                """
        case .button:
            return """
                <circle cx="120" cy="122" r="64" fill="\(main)"/><circle cx="120" cy="122" r="50" fill="none" stroke="\(accent)" \
                stroke-width="4"/><g fill="\(ink)"><circle cx="104" cy="106" r="8"/><circle cx="136" cy="106" r="8"/>\
                <circle cx="104" cy="138" r="8"/><circle cx="136" cy="138" r="8"/></g>\
                <path d="M104 106l32 32M136 106l-32 32" stroke="\(accent)" stroke-width="5"/>
                """
        case .spool:
            return """
                <rect x="76" y="56" width="88" height="20" rx="6" fill="\(ink)"/><rect x="76" y="170" width="88" height="20" \
                rx="6" fill="\(ink)"/><rect x="86" y="76" width="68" height="94" fill="\(main)"/>\
                <path d="M86 90h68M86 106h68M86 122h68M86 138h68M86 154h68" stroke="\(accent)" stroke-width="3"/>\
                <path d="M154 150c40 6 20 40 48 46" fill="none" stroke="\(main)" stroke-width="4" stroke-linecap="round"/>
                """
        case .knob:
            return """
                <circle cx="120" cy="122" r="62" fill="\(ink)" opacity=".15"/><circle cx="120" cy="116" r="56" fill="\(main)"/>\
                <g stroke="\(accent)" stroke-width="4"><path d="M120 62v108M66 116h108M82 78l76 76M158 78l-76 76"/></g>\
                <circle cx="120" cy="116" r="19" fill="\(ink)"/><circle cx="114" cy="110" r="5" fill="\(accent)"/>
                """
        case .hooks:
            return """
                <rect x="46" y="74" width="148" height="42" rx="10" fill="\(main)"/>\
                <g fill="none" stroke="\(ink)" stroke-width="9" stroke-linecap="round"><path d="M76 104v44c0 24 28 24 28 4\
                M120 104v44c0 24 28 24 28 4M164 104v44c0 24 28 24 28 4"/></g>\
                <g fill="\(accent)"><circle cx="76" cy="95" r="6"/><circle cx="120" cy="95" r="6"/><circle cx="164" cy="95" \
                r="6"/></g>
                """
        case .drawers:
            return """
                <rect x="66" y="58" width="108" height="126" rx="6" fill="\(main)"/><path d="M78 184v12M162 184v12" \
                stroke="\(ink)" stroke-width="9"/><g fill="\(accent)"><rect x="76" y="68" width="88" height="32" rx="4"/>\
                <rect x="76" y="106" width="88" height="32" rx="4"/><rect x="76" y="144" width="88" height="32" rx="4"/></g>\
                <g fill="\(ink)"><circle cx="120" cy="84" r="6"/><circle cx="120" cy="122" r="6"/><circle cx="120" cy="160" \
                r="6"/></g>
                """
        case .basket:
            return """
                <path d="M80 104c0-64 80-64 80 0" fill="none" stroke="\(ink)" stroke-width="8"/>\
                <path d="M58 104h124l-16 80H74z" fill="\(main)"/><path d="M62 124h116M67 146h106M71 166h98" stroke="\(accent)" \
                stroke-width="5" stroke-dasharray="12 8"/><rect x="52" y="96" width="136" height="16" rx="8" fill="\(ink)"/>
                """
        case .plaque:
            return """
                <path d="M120 44L80 84M120 44l40 40" stroke="\(ink)" stroke-width="4"/><circle cx="120" cy="42" r="6" \
                fill="\(ink)"/><rect x="46" y="82" width="148" height="98" rx="12" fill="\(main)"/>\
                <rect x="56" y="92" width="128" height="78" rx="6" fill="none" stroke="\(accent)" stroke-width="3"/>\
                <path d="M78 116h84M90 134h60M100 151h40" stroke="\(accent)" stroke-width="7" stroke-linecap="round"/>
                """
        case .clock:
            return """
                <circle cx="120" cy="122" r="68" fill="\(main)"/><circle cx="120" cy="122" r="53" fill="\(accent)"/>\
                <path d="M120 76v9M120 159v9M74 122h9M157 122h9" stroke="\(ink)" stroke-width="5" stroke-linecap="round"/>\
                <path d="M120 122V90M120 122l24 14" stroke="\(ink)" stroke-width="6" stroke-linecap="round"/>\
                <circle cx="120" cy="122" r="6" fill="\(main)"/>
                """
        case .doormat:
            return """
                <path d="M58 76v100M182 76v100" stroke="\(ink)" stroke-width="8" stroke-dasharray="3 5"/>\
                <rect x="60" y="76" width="120" height="100" rx="4" fill="\(main)"/>\
                <rect x="72" y="88" width="96" height="76" rx="2" fill="none" stroke="\(accent)" stroke-width="4"/>\
                <path d="M120 150c-25-18-24-36-12-38 7-1 11 4 12 9 1-5 5-10 12-9 12 2 13 20-12 38z" fill="\(accent)"/>
                """
        default:
            return HTML()
        }
    }
}
