import Apus

/// The shop's one stylesheet: served under an address that names its content, so that browsers keep it for good.
enum Stylesheet {
    /// Where pages link to.
    static let path = "/style-" + Hex.encode(withUnsafeBytes(of: XXHash64.hash(text).bigEndian, Array.init)) + ".css"

    static let text = """
        :root{color-scheme:light dark;--paper:#fbf8f4;--card:#fff;--ink:#24201c;--soft:#6a625a;--line:#e7e0d6;\
        --field:#8d857b;--accent:#1f5d52;--on-accent:#fff;--tint:#eaf1ee;--danger:#a12d22;--danger-tint:#fbecea;\
        --shadow:0 1px 2px #3c2f2014,0 8px 24px #3c2f2012;--serif:ui-serif,"Iowan Old Style",Charter,Georgia,serif;\
        --sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
        @media (prefers-color-scheme:dark){:root{--paper:#161412;--card:#211e1b;--ink:#f3eee7;--soft:#b0a89e;--line:#38332d;\
        --field:#8d857b;--accent:#8bcfbf;--on-accent:#0d211d;--tint:#1d2b28;--danger:#ffa79b;--danger-tint:#3a201d;\
        --shadow:0 1px 2px #0006,0 8px 24px #0004}.pic svg,.collage svg{filter:brightness(.9)}}
        *,*::before,*::after{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 var(--sans);-webkit-text-size-adjust:100%}
        h1,h2,h3,p,ul,ol,dl,dd,figure,fieldset{margin:0;padding:0}
        ul,ol{list-style:none}
        h1,h2{font-family:var(--serif);font-weight:600;line-height:1.15;letter-spacing:-.01em;text-wrap:balance}
        h1{font-size:clamp(1.9rem,1.4rem + 2.2vw,3rem)}
        h2{font-size:clamp(1.35rem,1.2rem + .8vw,1.75rem)}
        a{color:inherit}
        svg{display:block;width:100%;height:auto}
        :focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:6px}
        .wrap{max-width:75rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
        .skip{position:absolute;left:1rem;top:-6rem;background:var(--accent);color:var(--on-accent);padding:.75rem 1.25rem;\
        border-radius:0 0 10px 10px;z-index:2}
        .skip:focus{top:0}
        .soft{color:var(--soft)}
        .hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}

        .top{background:var(--card);border-bottom:1px solid var(--line)}
        .bar{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding-top:.9rem;padding-bottom:.9rem}
        .brand{display:flex;align-items:center;gap:.6rem;font:600 1.55rem/1 var(--serif);text-decoration:none;\
        letter-spacing:-.02em}
        .brand svg{width:2rem;color:var(--accent)}
        .own{display:flex;gap:.4rem}
        .own a{display:flex;align-items:center;gap:.5rem;text-decoration:none;padding:.5rem .8rem;border:1px solid \
        transparent;border-radius:99px;font-weight:600;min-height:2.75rem;min-width:2.75rem;justify-content:center}
        .own a:hover{border-color:var(--accent)}
        .own svg{width:1.3rem;flex:none}
        .own .basket{border-color:var(--line)}
        .find{position:relative;flex:1;max-width:32rem}
        .find input{border-radius:99px;background:var(--paper);padding:.6rem 3.2rem .6rem 1.2rem;min-height:2.75rem}
        .find input::-webkit-search-cancel-button{display:none}
        .find button{position:absolute;right:0;top:0;width:3rem;height:2.75rem;border:0;background:none;color:var(--soft);\
        cursor:pointer;display:grid;place-items:center;border-radius:99px}
        .find button:hover{color:var(--ink)}
        .find button svg{width:1.25rem}
        .suggestions{position:absolute;z-index:3;left:0;right:0;top:calc(100% + .4rem);background:var(--card);border:1px solid \
        var(--line);border-radius:16px;box-shadow:var(--shadow);padding:.4rem;max-height:70vh;overflow:auto}
        .suggestions li{display:grid;grid-template-columns:2.5rem 1fr;gap:.8rem;align-items:center;padding:.4rem .6rem;\
        border-radius:10px;cursor:pointer;min-height:3rem}
        .suggestions li:hover,.suggestions [aria-selected=true]{background:var(--tint)}
        .suggestions .pic{margin:0;border-radius:8px}
        @media (max-width:46rem){.bar{flex-wrap:wrap}.find{order:3;flex-basis:100%;max-width:none}}
        @media (max-width:26rem){.own a:not(.basket) span{position:absolute;width:1px;height:1px;overflow:hidden;\
        clip-path:inset(50%)}}
        .basket b{background:var(--accent);color:var(--on-accent);border-radius:99px;min-width:1.5rem;padding:0 .45rem;\
        text-align:center;font-size:.85rem;line-height:1.5rem}
        .departments{overflow-x:auto;scrollbar-width:none;border-top:1px solid var(--line)}
        .departments::-webkit-scrollbar{display:none}
        .departments ul{display:flex;gap:.25rem;width:max-content;margin:0 auto;padding:0 clamp(.5rem,3vw,2rem)}
        .departments a{display:block;padding:.8rem .7rem;font-size:.92rem;text-decoration:none;color:var(--soft);\
        white-space:nowrap;border-bottom:2px solid transparent}
        .departments a:hover{color:var(--ink)}
        .departments a:focus-visible{outline-offset:-3px}
        .departments [aria-current]{color:var(--ink);border-color:var(--accent);font-weight:600}
        main.wrap{padding-bottom:4rem;min-height:60vh}
        main section{margin-top:clamp(2.5rem,5vw,4rem)}
        main section.tight{margin-top:1.25rem}
        .split section.tight{margin-top:0}
        h1+.soft{margin-top:.5rem}
        .titled{display:flex;flex-wrap:wrap;align-items:baseline;gap:.3rem 1.25rem}
        .count{color:var(--soft);font-size:.92rem;margin-top:1.5rem}
        .choices{display:flex;flex-wrap:wrap;align-items:end;gap:.9rem 1.1rem;margin-top:1.6rem}
        .choices label{font-size:.85rem;color:var(--soft)}
        .choices select{min-height:2.75rem;padding:.45rem 2rem .45rem .8rem;width:auto;min-width:9.5rem}
        .tick{display:flex;align-items:center;gap:.6rem;min-height:2.75rem;margin:0;cursor:pointer}
        .choices .tick{color:var(--ink);font-size:.95rem}
        .tick input{width:1.3rem;min-height:1.3rem;height:1.3rem;accent-color:var(--accent);margin:0}
        .js .plainonly{display:none}
        .chips ul{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:1.25rem}
        .chips a{display:flex;align-items:center;gap:.45rem;min-height:2.5rem;padding:.3rem .95rem;border:1px solid var(--line);\
        border-radius:99px;text-decoration:none;font-size:.92rem;background:var(--card)}
        .chips a:hover{border-color:var(--accent)}
        .chips span{color:var(--soft);font-variant-numeric:tabular-nums}
        .chips [aria-current]{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
        .chips [aria-current] span{color:inherit}
        @media (max-width:34rem){.choices{display:grid;grid-template-columns:1fr 1fr}.choices select{width:100%;min-width:0}\
        .choices .tick{grid-column:1/-1}.chips{overflow-x:auto;margin-right:-1rem}.chips ul{flex-wrap:nowrap;width:max-content;\
        padding-right:1rem}}
        .none{padding:2rem 0;display:grid;gap:1.25rem;justify-items:start}
        .head{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:1.4rem}

        .hero{display:grid;gap:clamp(1.5rem,4vw,4rem);align-items:center;margin-top:clamp(1.5rem,4vw,3.5rem)}
        .hero p{font-size:1.15rem;color:var(--soft);margin:1rem 0 1.75rem;max-width:34ch}
        .collage{display:grid;grid-template-columns:2fr 1fr;grid-template-rows:1fr 1fr;gap:.8rem}
        .collage a{border-radius:18px;overflow:hidden;box-shadow:var(--shadow)}
        .collage a:first-child{grid-row:span 2}
        .collage svg{height:100%}
        @media (min-width:52rem){.hero{grid-template-columns:1fr 1.15fr}}

        .tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1rem}
        .tiles a{display:block;text-decoration:none;font-weight:600;line-height:1.3;font-size:.95rem}
        .pic{display:block;border-radius:14px;overflow:hidden;margin-bottom:.7rem;position:relative}
        @media (min-width:60rem){.tiles{grid-template-columns:repeat(7,1fr);row-gap:1.75rem}}
        .tiles .pic{border-radius:50%;margin:0 auto .7rem;max-width:8.5rem}
        .tiles a{text-align:center}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,13.5rem),1fr));gap:2rem 1.25rem}
        .few{grid-template-columns:repeat(auto-fill,minmax(min(100%,10rem),1fr))}
        .few h3{font-size:.92rem}
        @media (max-width:34rem){.few{display:grid;grid-auto-flow:column;grid-template-columns:none;grid-auto-columns:42%;\
        overflow-x:auto;scroll-snap-type:x proximity;padding-bottom:.6rem;margin-right:-1rem}.few li{scroll-snap-align:start}}
        @media (max-width:34rem){.cards:not(.few){grid-template-columns:1fr 1fr;gap:1.5rem .9rem}.tiles{grid-template-columns:1fr 1fr \
        1fr}}
        .card{display:flex;flex-direction:column;height:100%;position:relative}
        .card h3{font:inherit;line-height:1.4}
        .card h3 a{text-decoration:none}
        .card h3 a::after{content:"";position:absolute;inset:0}
        .card:hover h3 a,.tiles a:hover{text-decoration:underline;text-underline-offset:3px}
        .price{font-weight:650;font-variant-numeric:tabular-nums;margin-top:.2rem}
        .flag{position:absolute;left:.7rem;top:.7rem;background:#fffffff0;color:#24201c;border-radius:99px;padding:.1rem \
        .7rem;font-size:.8rem;font-weight:600}

        .button{display:inline-flex;align-items:center;justify-content:center;gap:.5rem;font:600 1rem/1.2 var(--sans);\
        background:var(--accent);color:var(--on-accent);border:1px solid var(--accent);border-radius:12px;padding:.85rem \
        1.5rem;min-height:3rem;text-decoration:none;cursor:pointer}
        .button:hover{filter:brightness(1.1)}
        .quiet{background:transparent;color:var(--ink);border-color:var(--field)}
        .plain{background:none;border:0;padding:.4rem .2rem;color:var(--soft);font:inherit;font-size:.9rem;text-decoration:\
        underline;text-underline-offset:3px;cursor:pointer;min-height:2rem}
        .plain:hover{color:var(--danger)}
        .wide{width:100%}

        .crumbs{font-size:.9rem;color:var(--soft);padding:1.25rem 0 .9rem}
        .crumbs a{text-underline-offset:3px}
        .product{display:grid;gap:clamp(1.5rem,4vw,3.5rem);margin-top:.4rem;align-items:start}
        .product .pic{border-radius:22px;box-shadow:var(--shadow);margin:0}
        @media (min-width:52rem){.product{grid-template-columns:1.1fr 1fr}}
        .product .price{font-size:1.6rem;margin:1rem 0 .4rem}
        .buy{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.9rem;margin:1.75rem 0}
        .said:not(:empty){margin:-.6rem 0 1.5rem;font-weight:600}
        .arrives{border:1px solid var(--line);background:var(--card);border-radius:14px;padding:1rem 1.2rem;font-size:.95rem;\
        margin-bottom:1.5rem}
        summary{cursor:pointer;padding:.5rem 0 0;color:var(--soft);min-height:2rem}
        .arrives dl{display:grid;gap:.2rem;margin-top:.4rem}
        .arrives dt{font-weight:600}
        .arrives dd{margin-bottom:.5rem}
        .facts{display:grid;grid-template-columns:max-content 1fr;gap:.55rem 1.5rem;border-top:1px solid var(--line);\
        padding-top:1.25rem;font-size:.95rem}
        .facts dt{color:var(--soft)}
        .stock::before{content:"";display:inline-block;width:.6rem;height:.6rem;border-radius:50%;background:#3c8f5b;\
        margin-right:.5rem}
        .stock.low::before{background:#d08a1d}
        .stock.none::before{background:var(--danger)}

        label{display:block;font-weight:600;font-size:.95rem;margin-bottom:.3rem}
        input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--field);border-radius:10px;\
        padding:.7rem .85rem;width:100%;min-height:3rem}
        .number{width:6.2rem}
        input[aria-invalid]{border-color:var(--danger);border-width:2px}
        .error{color:var(--danger);font-size:.92rem;margin-top:.35rem;font-weight:600}
        .notice{border-radius:12px;padding:.9rem 1.1rem;background:var(--tint);margin-top:1.25rem}
        .notice.bad{background:var(--danger-tint);color:var(--danger)}
        .notice ul{margin-top:.4rem;display:grid;gap:.3rem}
        .notice:focus{outline:3px solid currentColor;outline-offset:2px}
        .fields{display:grid;gap:1.15rem}
        .pair{display:grid;gap:1.15rem}
        @media (min-width:34rem){.pair{grid-template-columns:1fr 1fr}}
        fieldset{border:0;min-width:0}
        legend{font:600 1.3rem/1.2 var(--serif);padding:0;margin-bottom:1rem}

        .split{display:grid;gap:clamp(1.75rem,4vw,3.5rem);margin-top:1.75rem;align-items:start}
        @media (min-width:56rem){.split{grid-template-columns:minmax(0,1fr) 23rem}}
        .panel{background:var(--card);border:1px solid var(--line);border-radius:18px;padding:1.5rem}
        .panel h2{font-size:1.3rem;margin-bottom:1rem}
        .lines>li{display:grid;grid-template-columns:5.5rem 1fr auto;grid-template-rows:auto 1fr;gap:0 1.1rem;padding:1.25rem 0;border-bottom:1px solid \
        var(--line);align-items:start}
        .lines>li:first-child{border-top:1px solid var(--line)}
        .lines .pic{margin:0;border-radius:12px;grid-row:span 2}
        .lines h2{font:600 1rem/1.4 var(--sans);letter-spacing:0}
        .lines h2 a{text-decoration:none}
        .lines h2 a:hover{text-decoration:underline}
        .lines .price{margin:0}
        .lines form{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem .7rem;grid-column:2/-1;margin-top:.7rem}
        .lines form label{margin:0;font-weight:400;color:var(--soft)}
        .lines .number{width:5.2rem;min-height:2.5rem;padding:.4rem .6rem}
        .step{width:2.5rem;height:2.5rem;border:1px solid var(--field);border-radius:10px;background:transparent;color:inherit;\
        font:600 1.1rem/1 var(--sans);cursor:pointer}
        .step:hover{border-color:var(--accent)}
        .js .lines .number{text-align:center;width:4.2rem;appearance:textfield;-moz-appearance:textfield}
        .js .lines .number::-webkit-inner-spin-button{appearance:none}
        [data-line][data-busy],[aria-disabled=true]{opacity:.65}
        @media (max-width:34rem){.js .lines form label{position:absolute;width:1px;height:1px;overflow:hidden;\
        clip-path:inset(50%)}}
        .orders{display:grid;gap:1rem}
        .orders li{display:grid;grid-template-columns:1fr auto;gap:.8rem 1.2rem;background:var(--card);border:1px solid \
        var(--line);border-radius:18px;padding:1.2rem}
        .orders .pictures{grid-column:1/-1;display:flex;gap:.5rem}
        .orders .pic{width:3.6rem;margin:0;border-radius:10px}
        .orders h2{font:600 1.05rem/1.4 var(--sans);letter-spacing:0}
        .steps{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin-top:1.5rem}
        .steps li{display:flex;align-items:center;gap:.6rem;color:var(--soft)}
        .steps li::before{content:"";flex:none;width:.8rem;height:.8rem;border-radius:50%;border:2px solid var(--field)}
        .steps .done{color:var(--ink);font-weight:600}
        .steps .done::before{background:var(--accent);border-color:var(--accent)}
        [hidden]{display:none!important}
        .small{padding:.5rem .9rem;min-height:2.5rem;font-size:.92rem;border-radius:10px}
        .sums{display:grid;grid-template-columns:1fr auto;gap:.6rem 0;font-variant-numeric:tabular-nums}
        .sums dd{text-align:right;padding-left:1rem}
        .sums .total{font-weight:700;font-size:1.15rem;border-top:1px solid var(--line);padding-top:.8rem;margin-top:.3rem}
        .panel .button{margin-top:1.4rem}
        .panel .fields .button{margin-top:.3rem}
        .panel small,.note{color:var(--soft);font-size:.88rem;display:block;margin-top:.9rem}
        .brief li{display:flex;justify-content:space-between;gap:1rem;padding:.4rem 0;font-size:.95rem}
        .brief{border-bottom:1px solid var(--line);padding-bottom:.8rem;margin-bottom:1rem}
        .brief .price{margin:0;font-weight:500}
        .pages{display:flex;justify-content:center;gap:1rem;margin-top:2.5rem}
        .lone{max-width:40rem;margin:clamp(2.5rem,9vw,6rem) auto 0;text-align:center}
        .lone svg{width:9rem;margin:0 auto 1.75rem;border-radius:50%}
        .lone p{color:var(--soft);font-size:1.1rem;margin:1rem 0 1.75rem}

        .foot{border-top:1px solid var(--line);color:var(--soft);font-size:.9rem;padding:2rem 0 2.5rem}
        .foot .wrap{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;justify-content:space-between}
        .foot p{max-width:62ch}
        @media (prefers-reduced-motion:no-preference){.pic svg,.collage svg{transition:transform .35s ease}\
        .card:hover .pic svg,.tiles a:hover .pic svg,.collage a:hover svg{transform:scale(1.03)}}
        """
}
