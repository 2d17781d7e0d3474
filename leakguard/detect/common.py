"""Words that stand in code, configuration and logs without naming anybody, though a provider may be called so.

Data only. An alias that is one of them names its provider wherever the word happens to stand; `rules check` warns.
Imported by check.py only.
"""

from __future__ import annotations

_WORDS = """
    access account action active admin agent air alert alias amount analytics any api app apple apply archive area arm
    array article asset async atom audio audit auth auto aware back backend balance bank base basic batch beam bench
    beta bind bit block blue board body book boot bot box branch brave bridge browser buddy buffer build bulk bus
    button byte cache call canvas card cargo case cast cell chain channel chart chat check circle class clean clear
    client clock close cloud cluster code coin cold color column command comment commit common compass complete config
    connect console content context control cookie copy core count cover create credit cross crypto cursor custom
    cycle daily dash data database date day debug deep default delta demo deploy desk dev device digital direct disk
    dispatch doc docs domain door down draft drift drive drone drop dynamic early east easy echo edge edit elastic
    element email empty end engine entry env error event every exchange expert express fast feature feed field figure
    file filter final find fire first flag flash flex float flow fly focus folder font force form format forward found
    frame free front full function future game gate gateway gem general get gift glass global go gold grand graph
    green grid group guard guide hand handle hash head heap height help hero hex high home honey hook host hot hour
    house hub hyper icon id idea image in inbox index info ink input insert instance item job join json key kit lab
    label last launch layer lead leap learn level light limit line linear link list live load local location lock log
    logic login long loop mail main make manifest map mark market master match maze member memory mesh message meta
    meter method metric micro mind mint mirror mixed mobile mode model modern module monday money monitor month moon
    motion mouse move name native net network new news next node none north note notion null number object ocean off
    office on one online open option orange order origin output owner pack package page pager paper parent park part
    party pass password path pay peer people pilot pin ping pipe plain plan plant platform play plus point policy pool
    port portal position post power press price prime print private process product profile project proof proxy public
    pull pulse push python query queue quick radar rail rain random range rapid rate raw read ready real record red
    redirect region register release remote render replace report request reset resource response rest result return
    review ring river road robot rocket role root route router row rule run runner safe sail salt sample save scale
    scan scope screen script search second secret section secure segment select send sentinel server service session
    set shadow shape share sheet shell shift ship shop shortcut show side sign signal silver simple site size sky
    slice smart snap social socket solid sonar source south space spark speed spin split spring square stack stage
    standard star start state static status step stone stop storage store storm stream street string strong studio
    style sub sum summit super support surface surge swift switch symbol sync system tab table tag target task team
    temp template term test text theme thread ticket tide time title todo token tool top total touch tower trace track
    trade traffic train transfer travel tree trial trigger trust tube turbo type under union unit unity universal up
    update upload url user value vault vector verify version view virtual vision void volume wallet wave web weekly
    west white wide window wire wise word work worker world wrap write yield zero zone zoom
"""

COMMON_WORDS = frozenset(_WORDS.split())
