"""How unlike words a value is: bits of evidence that it was drawn at random and not written by a person.

Compares two guesses at how the bytes came about: text and identifiers (letter trigrams, learnt by
tools/make_grams.py from free texts) and an even draw from the alphabet the value shows (small letters, both cases,
digits, hex). Pure functions, nothing kept, no input or output. Imported by the gates, assign.py and context.py, and by
redact/folds.py.
"""

from __future__ import annotations

import base64
import zlib
from functools import cache
from itertools import pairwise
from math import log2

_SIZE = 28
_STEP = 0.75
_PACKED = (
    b"c-mE(X;2(zp5{O8#D43Do}R0H5bc>+w`JKxyFIofkZRkO5O;-"
    b"S1LDlJC8{_IaxDZ!RRI~gsDmR%5`yB)wIq(B3UX~Bj;ex;wk^&oGNvsd?wswB0CDA7sw2<(Z(@6PcKJX65fw$g&-;I#-"
    b"}AopSH`g=QtTJFwq4%$u|82Jm%I?LEri%5Zg=WV1n>{ZM$3Hyh#uYDW4lEmSFvDn?Bh2p&8;la{DI|Jd}NdT#5VVjG{U>E@U3wY%20R}Lj_A"
    b"?IF$sr8{ePEqv0ha+)9Jv&iLFS34gjd82Xs!_omg0rwIgWJ;W0Tz-^-cRSBQ*^@a-"
    b"Pf%vwey{Junx8EujBvbQuEYfR$Nm!F)q!}1O&sJxfIzu&VngL8h!`h7sI_=u+V20Thxr%wR!^rab<uNTyGk0s&SeXg$?0N>H7`T?H&s3xBE$"
    b"tg8*T|atWKrz18r@hs{KGhlK1$6y7Envoh<L4<W`?A0KNfk>D{-GlOOb^XIjReph~x;c0`s9`eU5q5{+-"
    b"ik6Mb;AwbC$yhCFtmpmiGiqJ=Uo;=xvvlsHbq7ujM~MD1~wQj`%+-E3*?r+urd%PSt)=lf-TdU@r!=8B4*bc=0NJ^FjLe(=GF9Qds#ve|rIr"
    b"<<(`LT(d9`s|++mN}N0TSeA6<DAEP@qJr{7|j7bK1%?cH`Uf^8-_-"
    b"<|E!st^<2xhr?KjAi#}+u0&})BKD8egX1arxL69$J?8ci_yMBb9!U6xL-eOZn9^TQ-oEIbf4DE^rdUa)9u2K}c9RKZ+b9lJUveQA4%vD5w9S"
    b"|JUu&lg}*L9+R2s0<aLIU%Vy5&QH@LP|AxgOyAil*mP?cMssXZZ>D=N1w?4tdSMzY=uNfDh|^YftF#@`^V1T|eAWk?#P~AjgW1l2zX%k&!ro"
    b"iI72ki-"
    b"G43GI)Z=dvEIlUIJHNTN(T2#Br`K!j(y|yBs?nyRNEs=|t};TYW8MOt%!hJyI2{XLWGDHbc+h5~h{ETMwpwJh0lp05`QLe&q)F5m8YRQuF=>"
    b"$07kUzcLuCt79uGW6OQatoJvXQyRUlS$n-"
    b"F&1!LAe5L^NFYY}Ho$P?faC`+W)|sDog!Cv!epG0P=Fl;>TCgHAb1A9v&9H71s(33Q!1<Ap{@sRW&5srm_hh(ZZLLT^UOJ88@uXt-"
    b"#LYy{M2SnIoU)#9`?&iMtzPaZ;Z`u3x}VsbKaj$mihEW*2fJa^o3odj>`RkV&<Jz2*qbzf1)q=a7Lz1(<FJ?t>PX~-"
    b"oPz>{bbmyEl6;rs5=w^i>K;uSwk~9G7drv|ZTEXO%>>`84Y>+g*hC2{p!`gCZ@CVT-"
    b"?Lp1VR?z4qkh4{L$o@2PZgF@BGWj7KB#Le;d7V9EpVaP1!o$4$q^OrPv%Q&!q}bB*)FzgAz|u=lY=ZfeU4A#2~UEBcZdL=p<gtF)zVT|un{K"
    b"Uy35oaA!KSX@`MdwXIfP(2JUTs(#_M-jcQ|zh%C3Amc0Hw$3?5f-"
    b"ak)ArsrI9e%Eg@(()@ao3$0gX%^cYHZt1iV#0mlz~xyMd5~9Sa_Jr>7jr8H0X=)FNBbQyT$m_~Fs=AWYirglvgPY|(Ka8MxY82WM9~Y)eczs"
    b"249j=3n<uHGfi_Fnh|Wo$5M<O0A-0pj2F1@FtAa;(lwU%*WeV6UB?&z!@VBa8#*Ij_m{5}m_{3f%bVUPuw{-"
    b"eQqc$kkZ0bfy{0ixRl~n}*<$wlkBSumKQb?R8kK#aIQ(a5O&}BIj;;R)MmSXD%2ggp0g>NS&@4Zx&;9ckiNC;|3()fwLVZVVkZ|@j8qo(0}Q"
    b"vYE<_|@Eqsf}v9+E`N`CYFUh_B#q8zC=RVFL5WF3v^V0^?ZK{DN#SfKX_sVkhk8&Pk;*6OZj~O_EXhdgP`J;5&~T?4&T<-"
    b"=_3SBE=2S!hn@jX8%+j=1ZV|-"
    b"AF8!6VfAuL_D?!!%$2kce6uT^YdgDdWTfZoi<>q1!>1~ZbHwwT`~;)XaDfZ`0Aoi?MkpC|7A|x~^H@IaspgP)S1Nx+3v_q8+cbenV%JVTMl="
    b"6BbI-s`eApD&tQ4MeS7U7Hm@4ck;>xiITuqe|N>scJ2{=qJaZTkoMj}m{Dz1kHvdOCV92Y`mra<`vL7Gz4oB-"
    b"5rJ_41>p1+6OL!V>3i1X%p1}<Y$XZEnrtQoAUKs-#Nk{L|!{$5V*WSQ^LkBjSxz1`Bi&-Lu?(087fb#k+IGT8by4Z%D-"
    b"N5BG+>_8a}^d(rI*jblE8E<@zf~!UCh6!xjYz?GM(&U#+Bfd-S@7v)F2JE**)~pBE^ES(-rl521tL^l+X-"
    b"qIb3}grkFrwa%npa0!D}}ywkcO(QdVAx8{=#s<9L0QvCLtmsv){uDW#xySx0_h%xqDhXu56sk>fRF(q_gi`*lvY|@9g$g&%m;KZl#s+t^G!u"
    b"o>p1hqbct>WiifSiwRyfHLX(G)V?Ll=5w}up)Sl?xd~h#e$~=vnIs%TiD3^T;(u>wIp?jP6)N2^)Qt3*_H@C(;EcofqGH^$f1$1Ky+M>?T|&"
    b"yZ443fU%quwme2N>eLFmqj;#3){^Oka>1khi3O<4&1@N_)nlmZ~2!#VqA?drKm2@1@a<g{b;rJG9~GsZ!D;!d=b3&^e<4T2iTaFPpAa(bcwE"
    b">k3ZJ<(i55bL^9u0Yv#Uu?Gl#fHMMFWONVzD0Vm2*wFTp*{l0Gv2S2d<ZS9I2x3ExD~yhN@430Q7}&e`>eg~6$z!s`<5OM(0&tZQ!Nz^kVD~"
    b"m3McMJ^CZbUy|K@gu^{X!`B05iJL^ULDwc8WgxRu%h||@fcMj&ktTjlu)I1V?upUbN2nJUG6`Z_i16KUkoWf(<sWaB19j8mzeAUou_ssjm=^"
    b"5AD&irpQarxTf9&JT;oV9ux3ui17x}YZfeVGlGf?8K2(N?f-"
    b"2@Rl7_y;rt3*x<~nln3qxbpc*Ca45Zi)I{{OKXdJEF;__AActEa6e_Pl8NRvFNE9(zjVn4ui8{$c{h~9(6(Ux7`B=nhR(<j4Io`Hrdehqn|I"
    b"Nv_ow&8U|x32YE`@Ew4_7!=#O(8$7)agti#B8Eb_LTA}KoT;($FlIv%a4L0jPh4NQ0Rs+vLtOa&d;zy$1$ei92coene=(&Am!YHkVgBvSrjt"
    b"dYPgoF3mC6`Gl~*T3$CPoilxg)ri8nN3{b9+>Z9NiiZY9I*6%$DQaOF*jHz*POiSUZR{#<%B*gevu)|{-qC?1i)d*!50#+`O&-"
    b"XoafP^B{$T-y5NGb@REdyUBl7?|3>F~CC;jKYNOyfr{5i3{0iOB@==nnI<m;Z+|7ar%t!#d<nzh2G7tIs>>h1-"
    b"bDG{Zhi*BT72JGf^X2Iw)~`QQSHGX}bht3sfq?E(YJGJOF*m-"
    b"$jaGxYBF<R=>OdHM(L#~<@UegDk{h4usqYJYQ_QnmkDZBrxmOZ2o>SaAWi<6P9vrm?jdqakAbUs<-"
    b"6%!d4)Wo>K5e;a>rc1(o}_JnypiWjTCGYt&>?S+x>!^7&V;^Mtl2qElgt$~oFGQGKmrsfIyA@1Dhd<Oqfkf!Sr*-"
    b"rjU#?O1v07>URu6OPc$r)oqL**g|2O!n9JG0r}jP!^i{Lyeb3K26x6?d0dAEnzv{<jNfqhq1iEJ$MRxIRut8HTFh5kynS=p8xnBC5BB`6r4)"
    b"Zy(?`$}9Rav>_H^*a3)oZSt177l9J3gj+61_cC6{=@DV8~Ed@U&bk)ks7BjfRgmCaqSQtNe3IMr5Y*PgP?vdL^fgyH(?>j?dRSOMwId6iGSw"
    b"oi<%lo7JqT7(QjKpG7t-3@*QD+TBQF6^FJPs{Clc)EBH%t-"
    b"G$Msk|_nFqq7hk$~MtMvtL2oM7V1$wlUhbi0)jAKjM&N9@`1J(uZ%!Wwg>{Ot)=-"
    b"Bjf)ZbFuC*?3#Zc%)3Vl^4LarqtGliuYVt?45NNbG>b&dRdUai1+7${ms1us8JmHrdo_zMtPnP#)u;BsrBBkMRZ}0V9RkJ9wkPiNp+<D77(~"
    b"XPbJq+9V@9?w(nkO0s0=_PqHBXPZ!^Y(-"
    b"0_XjSJ(GVr}@+ZJ;l*`vkCjhrBu(#lp8$+E^N2cIdeHL6W{wRFE}Q+}57Ha<)@s?^h4J9Y8owouKbzO7D;LT5zKBAE!efvJq&?WuhX;dI!49"
    b"GKwlGW2OT2_DJ$mU1<m0A8;L=NBBXz*n+RYmoaU1eqzzwE#%L2xWCNX{{>(mEB~?rZCe9|<$mBeQo#E~_>CqbzcNA5VKSq_)`^5Nz)4s>4ZY"
    b"M}i)?*=#89l$JZ#f$8uQkQF620K9wVB8q^+L1{pj0?eTn|ObH3zCP02oamH5xIqT6nl_?C`wK4fxK%&W>x*}+1TrLLwsW3_0ww?0&8Vpcv+n"
    b"T=gRGo86%Z6jNHcTDTW!JOYB{1sQvg-UypRx5O#)3OfPM=zFIlKb$>riLAh(jV>@kDgk4bHSG-nQPguZ{wGa@1ryI|0o$0RqiF17wGbOmySv"
    b"0t?c~$7EftUlyk%#a2Xgph}lzf$>(4Vk5UBjnbWDvLvVW5UiF$cbT!9vs1b2kvcj4|8o%F<qr2DuyaGKGF#nd*b}WQ0>k>nioxYOK$DY(<ME"
    b"CEv!oPKc=#J@m+mHC#O+x?Ny7yADy=Y3c)RX<lv{nbV3~2>BnAq4;e9ynt@cZJn;sYJ>#q)Cmo;%rnhn7;Ot(nXH&bgMdsU<%^7?k>@48<=C"
    b"(lrHIy~f;~W-&RC2X^r-cXRWTP_2Wq+%K{u?^kY&W^h$1$T^>2&kW<WEeYWdOYBJPJMC%kTb{?HVG4+R=CM^|h3}RhH?`Bzw@Q5uHX&@N33-"
    b"(4_!SwdTP1mJ<z=x#L7%CrQe||}qT;6zeDNw}PiEoqox96sQ2I`4&gqKkj=6Zb1dY&FOWZLn>CcvQ%O;Yb?jXY7L5>?kVNapo;iKEfS>#E5T"
    b"sTWf-"
    b"!hd$M`G*puffqE!e+BoSjyB~7z*a6&+|{!b0xcY?f#pA?g17b_WSqunDF+lyDMrPK2gseqLKcpEYWHN!(9SLMKnZ?(ZiS@ZdCe@^J<w%2^b8"
    b"Zel%-trQO}v|0R^JSV`~U@weBIRcChCbKpx+L9z<t1w_Dsf;)!HpL7rpba-#wTg_tawR*mspV_;i8#}g*EVU^)?OpBrtaW!yc?qV-"
    b"03!S$JuY9bYtffKJXKlc!9$tri8xWQ_3VASt1$F;gh_C5a6H7|Qr)DQHFjft)<eV1SwMbov&Bi+@=V?1q7{j`k)!GBoY*dRJ<gconH!YE0x3"
    b"smX&+elS2d}c!^LG)uwHr3TZaU77<VwyqDlGf*`;(P>KZS)S5EQ};!$1lUW3aQFIPt^Jx*PjM`wwGP0k=~>=)_%Nir(*CrZU08vQz1Rs$;CJ"
    b"_=@qMn6%F#gb@&oC*oq90cQH=2IBvL1rkvAMr25v>olng=t&Z(oT|Jdv*R*D)?x*(ERQ=+_H6?n8EjQ%EaCjfe6&MAw0P=ZWw<&0`wQ?fLc("
    b"k`EV|KA~JBZt^5_&gr{I77$=C*qKb`D+PqPLa;5j5imp@ogS2!ZP^$3KLt|#8lGCX_<@865ZfX$s%!=F22qpY0QjyDH(yKbYi;2utSO>O2@g"
    b")vM!F!Mo>3W5il>T6;+act_eKaxcyI`nnFX(!P)ke#CK}Zc@CcuYNefkQrw&sIy<p5x1rq&ifhk@#{G8Ft_aAcLHgbP)nle>e$&6;Z(Ru$w*"
    b"gUUP*cRMXdx^auSF<|Kg`E#WHgp4ifQbUs%Jo#oYqq7T!&sI;LoDYV$QfJaaRfi`{&O!3%v(`VwjS@nrMfwya*hh7SN~3Blqz_sMhP-"
    b")rS|y=!eG*V8t-"
    b"h@`WMjxOcNEfn0C(h%JpS?7@BBgYC01NOmaH=JVkJ3v9jB<f|G`VIdEtC!T?&O&d0rFDRWS0@WyKF;<9lP0eTrspU_O*r16&Mu5j1{tz}80j"
    b"f2eS9=K-X}4~ApckqvLX=-Wf*ujD$47gfd)-M>}sx5GVSVZknDY8+N_TA2rzzSd1Rtu1`P5-"
    b"oj|GyLN`q$~6AsPBBMxWl*eyfO}UNy!JLKOE%rq|)R1@o+y>4-Wm!ROtE`%Z73X>%^o0kv!6lfck#vZ0s<)A*;f-"
    b"2LQiSG?1`@1iG^M0vF4E-Jxl(?tC&le(%(5-1=R7wSze{x%OK4AVq_No?Mv-"
    b"%{m2b2Maf%BheHZaU_X53h6wpJ6cOXe_5gRd|xQEsjhh!kVYk^2{q5&Ep}(i*iz6b$NOpgGps%vRFc9=Z7f7TI;;RJDq)$RRnmT=W+#fti%4"
    b"prnUJui{wDV-HG8%9*;Ombd>c&@bx4Re1zV#5uU%hfBMirF%?<v7fgyGEuW5AOpCz``0MXp&ikFaSS2^55sog8+>M;)C*~*ZPWXUVm{;D<d!"
    b"QXaor|)g-55GMhJEs;Rg%ZtE?0uzAhgH&I;fsTFjfW;<xs1xBIs6b0<$Yw(;}pSZt<W-td44#ta#T`@-W-"
    b"07h_v4$6!aqI#5vJRdf<1O^z?%smp_@NH_Tx>pTR0DwF#kHicH**eGD#7Nhnujg2socuDnI!ZAK?mD9?Vce)d%sk#^c;>^NK9<ZKz;F^yDo{"
    b"`o`xLEF;?`iiLLS5dx}0{R=HR1|~oBh>*DDv}qE%IYp8+@ubgDMiipwEl4j|8X#+6@b^H>+gcPt0fDR7=SY4c=Wn@){D;+l~UB5ocq~x$US#"
    b"56lxjbzE)0@(6OYO5vM}GH%;dBl7^|_4*BHb`r6H{&6Rrgefv=8T119hruriyw&k{umJzJ_md>}fiiMX~9Gy{qxM#YJU}#Zd9e<u7OTTU;4~"
    b"yzKPv!b~oTu+6&n5-XmAOPw>+=yeH*DSpX8QZU%d;XxgdBJska{H>cPC)J8Es2i!T9efK4Gm*zO&k2%%gxgL2yXXH}d=^NQ|=;L<|uo@-"
    b"L>ASA=Z0qeyHYgUyE$c@PaC(E>>D%lz~-ebK>rYnsLAQ48^a<Gfz{=JWBkPCmv}${XTKj)kjnIDI?oIT0etGv5kZT1oQ4ug0}XiSuDjC+UO-"
    b"cw7TX^LM8MS+X3tPi?u$=-_C1XaE!8D$c0pP*JOTS?`9()o4(Gx}Qo2b+`Zz5FePR$fH|LleHo*-OF<-"
    b"J+97k@}NJUWmq;6g@t7zGRl(hOa<?PDk9eat32h@QBLX8;@~;RBnbNRXh)$MTdPbFELA|9m;33p(uWT&y*T2;r6Jt=3Lrs$QpiIA)uZIJWl_"
    b"oLue((1_?<2$T6u=uXz&iO%wuvOIfVE;?NYaqS-nhnOGDA}KnbU70QKF+Z6r-SXy$@vAhJ7xkf@D-=WUULb^HtTZVjiBYteuan-"
    b"}gH4tz=c$(Ksr+tE9yPRTX4+_dVKZv4Nzq%HHc`;>eMgD60RIp}efSv~sl;j~Jl7b!1aXl(4!go78_j05L0jm3WLBWFR_hVExyOm-"
    b"G8pc+@qR!`DC)l@X9aO>7LX?$(<K6TYp-a1G<%pXgObN3G3DsHZrI1!#p3Rn<^EHgP{%?I2X$p493-"
    b">E`pdvn9R_%rNoYsGavJy~{sE1wVXkABj@{bP?qFBW$ntIJ)OuA3?9#0GDYl0p210A0|oH0a=w%-D5wy5iHHxb-"
    b"!&p@#5m>ms%Nz<g`hOm+^oTqp~c7ur_u<+(Fflpd!IwsbJqm;UMf20XOAo7kmVgfA-l&XKsUuZn-qiII;n3|&DU?Pu-ZRx|jYa@r1s(d7Z-"
    b"kKB6a#80~*HL^#Fk{shY;8tfvk<+JeYpx+?QKj^UXFuk{&pPyo2R-gRr`6^qrYr6VX|o-"
    b"}|Di*X!mXFQb6zf_R0#!{tlaN38JY{loTlRXrv|GsLZ^l5yvdWn(6y}+<HB3>MMUBV8ylWO0q-"
    b"t#AAX5FX|3ejjWl@;>pZrv4i8kVq!1K*9h+WJ;@zxxY=|2j-"
    b"}??ZY9LjCSv1^(0r9MrRJm|oY7^hgkmy@S_tX(Aa}p7<)PR4VpP@xy=IXVbvMHJ0RC{Ch8ajOEe&nTVRZbO!2<|q>=^*IKxy>2NNkM=7l98m"
    b"5J5ggr5w$24f}tMRrdV6npyIm-TS!LOo2}=jtK8-|&CBuxZA(zC#-`CJB=Kdf6X-I(Z*7<U$(QEgPR@MFIx0`SB6u-"
    b"|xZ5xg&8b(x$~;yk=bHv!7LSB{^?X(XgWc#mn%&+pdHLCP0m!S9nV|5JV(y{>+wk47y#ijv3HqQB9>dc*B_D8!(94tSeCZ!N9Zt4ucDGsT4|"
    b"}D5K5mW`kxgd|=d0PXH96))`bTGKg8}%j+Mmu_D;}J(8a;T>@-Wu<_!R#{b9==3FxIXnGrQNb`-}+W-8t^Vg6b_-"
    b"$_s}A%8%8f=@64IAOn?37T+WE^%VQ(mgm<l%tzpE)>a~~62^`Omk=N?wGS92wbaqRXdoFlb8Ik0Mi%RiaVy0veWzFJPy_dAjBq_1ddVUF+{P"
    b"0FYj1@b5n!4yx2YtWlQ2hS2TOdNY|N6>e)kb*vy)Xfk1Fd>ESZw{vo4@+tA<KQH5)k%O5Vb$v6wK!K1=Hl%*N7@PosS*3A-<*a{JT-"
    b"y};oI=g%SpF%`fDdPv0(ux*f9Z`;VS9B0g~I_NRV?i`%Cnb&KI;G(NKP&x?Ymp6+uDD-"
    b"8)(_q^H?W@&l9EB|`%u^hElpNFvQOX|$MxpdjM{R9{kjcu3nGND^z#0Iv{GKQt28n%AJsTsU&zz=%bMLV)l=2|dlP*alX$gLJI$fjB)@y(Cr"
    b"8)fBIjN+&yH@=E{Os1=-"
    b"7JTZtQt}(nNbZzSF%^!H>icSIKk@eq8=7^9_LkI&pR_E%szBa^sJHWbFKLF*LxxOj^zBH=7!^YC}r2YH@KvBBiwS{i`#<`{1%^0j-"
    b"bnJCjt#5FgJ|F76K+uzPa2S;ss9YP2N1-QKig-"
    b"(&MfmZiG<@Ji|L#0&Y}K#WJc{F9NCKko!1VLX>n_{ZweeWjPpK6h~s)aspUO0GdV%m&PZ~Y4Tr~>s;)u6ur@cZFq}9na6PIj!(&H`rmW<?(y"
    b"-g^=N*tI8v7f=n#cB3b+V1c9KM?e?}o%MC_4IUnp3PPM;gKj}v^$_djSvfTh0!jgn4)3I`4B64IX3uL2<|L@PQ3@rhYbeh}f0Ab3BAJ!Q*Ju"
    b"Kq7+T$13MwqT{Gk{?|XvH|vP+T4mr;=nj?YofwSaf%K-n(_xf-"
    b"aqgyer)`QVKH#sE78M-(<Z0kp7uH)*Vsi|tximNWGwXCgo`v#wM7|k)v5ZOY5Xh&F3s-PI7{=-A{$3@Kt9tleg-fe2;Rs7Ttn&PPw|kA;Hq#"
    b"CKRZ&NC*zyb>hKH($T#Dc8Yp=2!1?kL2jZ4W@uggs_Q-(_%(W8*@e^n>m-npF>R`Ufn?5{8JYKWG*HnZKUmA=7oXcnu+dF~%+VH-yO|9)|?z"
    b"_}Mu07s!@<ji(<5Bpl1V$QeAJRFoz}!7SL(}XPugAY~&>x!XUsrluaY77<4n4L8<CehxP}lx$0G*k0gs&;2dLJz~wV)Q)HQQ!XncKF4Ogf6!"
    b"FY$IFC|o*@A7RxIe{N{4F`nr@?MPZwKkwB&ty*t~^PL@fz#_C2HZ3CkSx#G$pIkCO5Ytx%vhP$b#MY~8`*gB@J#znQmPZRee@XBc`t)*3$%w"
    b"h{iPqRIM2r0}fd9)A@nr?DQuvU)Vau>NWeDpK$So@^F$8fdTK%%%I^ZWi9E({;xwR7BSPIm~WbM3vJ@}pU!pO*xZ>mS^48rfly*Neyeb4SqZ"
    b"N-"
    b"D5%^`g!SiX!i9j`){U8x864^v+kr6o7A!w<3pA8Z02{wb%6e?D)0$C%WKg|@4g>o5YlpF9({rP|ymj@<49@@kTV0wVUs!>bAzKRQustU<jyI"
    b"T39PU{@U(R7d=$Q%eu@*-T%V+Ly9RSVBiamL3-"
    b"U`rmt8Q~h6i;c9&0sXnyBkRn|7!dO{(9=eFGK1tlag%Z?xb!AQ%2~BlydVCZA$lg*oh+iz%2g|4A@TKF^$M@Cy-fGGBXIL-K9X2hhHb-"
    b")v)$iYep&xskXdVtf@Sp4aXv#eLZ1|k!VK8lD;>ow#k7L4!zC|ky`}Z8TQL89n&?|u;$?)Hld8kB&HMe`>%qAzc-S1z0w_-"
    b"B<LbEtfDkRkD){Z>#R));#i0(p7XX6Xpg1y6?9)P8h_}wB<`hZdnFd+Z<!6P+=gob@DObUf@B@gXvG*?~H?7;};ZiDxo7K|V5d||AH-Meath"
    b"G+rQ5>Ej(!r$`|F#64)a0TRuba3unUib64_u1;9n2v*cpk)(@P<Lu};vtF`a>1><E|?`M+}b`E4|O<)-"
    b"@r$b#u_G}O{$xs;LEU2@mt$)>kn=mhey9PCGR3r`|;tv0T#dJ^(wv;T3T_`zdH^$RDeU26hXnO?8zy#E;)&u1~b>~5Q(o+y|H0*Yd$I1mbW)"
    b"}wYjjMOTBTaCva+BisT<2idjQfops{D`O<Y{o8(Yg`9_e@aMM(0D<$N<g1`dGsekXZ75j;4^N+mb{!(|qOEcEO6{l;?e${X21gN!gN~7lBml"
    b"<*SmBlUk{Do7M#U8vi-b}K>A%W{5CGUs%nlvzRMuX@k1mdr)eSgan3-"
    b"dK%yH|!!wCQn#S^%d~lmY&W^&jlOEVhb6DQg0pthn$#jd65QsGXLi59__h?O15EzAV3<-ThqkG&O`Ad|u-"
    b"r&N1J)4JHEk^RCr51S!J*c>i$wKnL|6eK9Bf$NRYU8DkzkamUd1CParLIba+F>qd11BVGR+H^RIUj(l>(xe~NuDN!y@VCU~owS;J9w)yVM>$"
    b"k_?d$shgqMJJ>;Gjfi=>I#{xN^dI*nv+w8(IrY2=zU64t=azWGlML)GYnX<%!uL!~tiZ!$#4U9nK=02wb}#{FIU5QtU*mG67z5*tf^dH>LDs"
    b"|HQ5J`yFtyf6y<Ge7#Mwz#rRg+S-VImR}V_hq!h1a>i_uh%EPJEAz17_`-6j_P~?41L%TZX_OwP>(N$B##zjDNO_uENS0q{E342gF%RN9-"
    b"T^~+=EJZ9fs)(m=LOBg9W;rz(Lmlx-$?;=FBcseCxCtMR(G`rLe1`L=Nd!sG<U9rjSB6R1U+gXuG<?<I1t{D8mOy2A`hjmq--KjM&1pLVt@_"
    b"#%<tg9U&$_R;Uy`Y>Wo>d>L|{TW08HjEM+ccpdw%^SuUms`fF_X5U55#MJ>(&75tRT0pev*27I6}X0!U0E{ftA6z<h81NU7^*vd>b^#nAB$B"
    b"9Qc{DMc;6vhm(KnqGftRCp#ILL>aYR`wb%HSyxESWI&bO3FX@XbM&V`u`%%i|FBf?!#a1C|}<E6){@sQJ?e!CIzT(T_>Rqo7gG?*q?vBfDMU"
    b"LU}tXj4R{Sn{Biz+!{Z{Dcst3X3eYQrdaqyw(RNOypm~7kx{AD(zwosZhx`-T*+xn-"
    b"~cDZ18z;Tlr(EJJ*O&dv)HhmA9dKx;lPzq%KfLKMcHfG$If#Vb?W`>3%R|za-yO-"
    b"XRD`!J#s$Qp1~qQBrnuw0PM=#!yTHQ>8=SF7?5t%yUmP>TdWKjaiBj-cfN1_zxNL}k*YiyTNqbznuNtO^=>x_BeyOKeJc{&{<%;8oDa$F#E#"
    b"O9rQ}ItDURK#Ue16hPMHVCAmC45QSt#52Mc(Y!q922n~Q4D(H&jH>;!gl$Ib7+=4TZlODh9`s43kpKDl2I=v91a$nzifqKXbFhByLqH)nHtB"
    b"cs2F<(`;D=lrc}SGuPAzCG?t3ZpyY#Ubm!ldi9ui!>O1A#FHNUL!}!W5?fKL)V<iVNVsCTbt|1UOfH0JLg%|dNX`tJ8JmxUR3vBK0f8+Dc$%"
    b"cWhtCebf{hZqk1=2MtN^a*E$ZL-0ajp0uT;JT2Oc?EkofYOGSQfdV#~LF4yRN1B?CB!knL$-^kEw*K{H{7k37H18-"
    b">cW{&E2Y5BSSf$=vgD+__#+i&-;?(froX|dbK1+jN&#XBZ2Z)o(FT+S8IDmW<`-"
    b"mp*Q^;x)?a?aAIuvBJ;ipO<RC_jl~tsi+RJtT0qY(fSnif0K{Sycj>VT=Ire-zXum*Bi@V6%!Mr_baroaR-bh%TbMFLnNyn2M^m3o;^=2cJg"
    b"6nv;x}pRWeJ4&dyQ-T|6j?5pkZbk4(Hq7fSqqn`Fr59!2yH{Gyb%Y=(|Z3lh&Y)$@g9Ify)aD`r$`h0c<>BIM+w*OM4fSoB=OAH`9bKLd-"
    b"C8<xkD+(1~svQn$a2d`XZ#>On`~FVu$v!lmIj66Bt`?_Lf(>jHeBRdI13#X3$gDW<pQc;`EM?PAauvIy3zsWxu_C(tQ-"
    b"3i0q1DkAksz`Q>k9q;vO=q|+FDy%ruF@HcT{tJUuW0j=BI&E#?IZeqqbsC?qg5-"
    b"hEpBMEKhV>hq?l$w?g(}&p>TL|Do06i`&VZrF6ctw!L+<V<L3keyOtg8>r1{sr0=YbR2uyiqLFDk>T|zY@@F#Fl&OX-gjnV-DrPDvd~?_bas"
    b"1sM(gKi&+3=n-(7=VwWrXhbNT*hKQDHdyr66Uo0*)E5uLfKQ|)??WKY^XyuJLEXzf^^={q!=<U=|-jtNC2k<yl<eaBpl{LCS-AbWnT`H|(Zp"
    b"Q`P?A4pH{i1Z$Im$*^$O5#fgMyY%2T(f>c?Co<Fzt$OP%4z>wPtCSBQ?})ev!m5jho2z!Hcjib910sP8hB+B?H?=-"
    b"dFma7eQx`ruW{`D!_cY5$nHNKYL5|9R-DzmZG5dwAJdT)ie9VBeu=F&K#NABSteI<Y`k-"
    b"B!S?sXmSZdGrM99mYe9SU#cW6X$l;#4gy)Vn*L0I-t>fT!dO+!V0r;ghT~lf5)m99jEHuv|{|69KF7W"
)


_SYMBOL = bytes(
    byte - 97 if 97 <= byte <= 122 else byte - 65 if 65 <= byte <= 90 else 26 if 48 <= byte <= 57 else 27
    for byte in range(256)
)
_CLASS = bytes(97 if 97 <= b <= 122 else 65 if 65 <= b <= 90 else 48 if 48 <= b <= 57 else 45 for b in range(256))
_HEX = b"0123456789abcdefABCDEF"
_LEAST_OF_BOTH = 24
"""From here on letters of both cases are hexadecimal, too: a short one may be a word."""
_TEN = log2(10)

# What a change of case costs in text, in bits: camelCase has few of them, mostly at the start of a word.
_CASE = {(97, 97): 0.1, (65, 65): 0.5, (97, 65): 3.5, (65, 97): 1.5}


@cache
def _table() -> list[float]:
    pairs = zlib.decompress(base64.b85decode(_PACKED))
    return [level * _STEP for pair in pairs for level in (pair >> 4, pair & 15)]


def strangeness(value: bytes) -> float:
    """Bits by which an even draw explains the value better than text does; negative for words and names."""
    table = _table()
    symbols = value.translate(_SYMBOL)
    classes = value.translate(_CLASS)
    text = 0.0
    place = 27 * 28 + 27
    for symbol in symbols:
        place = place % 784 * 28 + symbol  # of three symbols: the first goes
        text += table[place]
    small, large, digits = classes.count(97), classes.count(65), classes.count(48)
    letters = small + large
    size = 26 * (small > 0) + 26 * (large > 0) + 10 * (digits > 0)
    both = small and large
    if digits and letters and not (both and len(value) < _LEAST_OF_BOTH) and not value.translate(None, _HEX):
        size -= 40 if both else 20  # hexadecimal: of 22 signs in both cases, of 16 in one
    if both:
        case = _CASE
        text += sum([case.get(pair, 0.0) for pair in pairwise(classes)])
    others = len(value) - letters - digits
    return text - (letters + digits) * log2(size or 1) + digits * _TEN - others * 5.0
