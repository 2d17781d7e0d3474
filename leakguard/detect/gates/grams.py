"""How unlike words a value is: bits of evidence that it was drawn at random and not written by a person.

Compares two guesses at how the bytes came about: text and identifiers (letter trigrams, learnt by
tools/make_grams.py from free texts) and an even draw from the alphabet the value shows (small letters, both cases,
digits, hex). Pure functions, nothing kept, no input or output. Imported by the gates, assign.py and context.py, and by
redact/folds.py.
"""

from __future__ import annotations

import zlib
from binascii import a2b_base64
from functools import cache
from itertools import pairwise
from math import log2

_SIZE = 28
_STEP = 0.75
_PACKED = (
    b"eNpVmmlQHGee5j/txH7riJ6eq30Q7ZlZt2XZRLs9tiSQatuWEHeFZAPizLUlqjgKci0ERVUBGbqogyNHEoLizLUkjqIKcm0hjqqCjLYtzioypi0h7pztkQBx5VqqI8/6"
    b"b2J7dnb5QAARFUW+z/t/nt/zvvVXxrElUuwXuLZd3vexPlEnl7wQsC2E2CVud+pOBPAPyUbLfQKIHt3dY7tFIVexYHLs4zcrza0s0fyB5Vl8ZJP9xDb3jzTCu7DwrXES"
    b"ylB4FUMFS2M4lQS4G9+fyKPhJSTcSoPjzvjcIgl/ujkY+pjn96bVi6cJBGs9xBMIwG2i/1UJn/H1hgrngfi2ob2oTX233yoWJFPzdyzSa4BJWJNkpBkYQs9WZ5s6QzVs"
    b"mgFMQ8PajQo67drtYIbZFbmKebLDyPL65TEtTTN3a9ZYmQnv7HoGoxi4lqnPVKPtLe0bJ9fImvtkUeyzGt1YO/zDOIs+Ss07FlBL1Yh4rZpmhqRuPxZ50Stxn0hLkYUU"
    b"OaoLmYjkCLAC86FjfY551P6d02gTfXCztdIwg4Y8dqGgdRr7ooUyLeLBVpOUOE7DF9liVkTtcZZSlBFO3Wxp7ad9q6vLKx7Z5/tlfnp55bnmioqedIttVD36e7Z+8MGI"
    b"HPitJ7LZfF6nm60KQm4TRfrsnxSWOZaZW0XWOeOcx3vxfVuGGM0BPj5LAJw31dZqG4ZGtv+smZv1XMu3p7HqcIs+aLACc7Y0PrUfF2a6g5ZBkC9n7MabVbt+hJ/CAf+m"
    b"3mJTRx7e0c2cFyP8DO2KBnp1ZV6uUhS7HP/tkXN4uM6y00GRzFVEfh0QHNSwrLyO13WigAgzJ8FCAvORuuVDgvBbj4O5HuD7iqbnVe3d+sRn+Qn35xYSPA55zcC/EnTQ"
    b"gA/rfWtP6PDyijb3XT/cUZHvANIgx4qOklXfJJGROIGJkEF9i4HnDjJ4gsd7b+sDXgJXX1sZ++bEca4vwpVJsLscOx67rqp26UTvKlt9LWVMtxS9PVIVrGd1cL82Q8/h"
    b"EqaVv1sPpn48sNrAADe1KH7lBvkRUVESUvP+BsciATO/Mhisq2MrK2PLfcys9zeaUxq9rll7vSfNanFgfKYA8y/uPQud7IDIcHwFLtaZn3eE9ChHflRoiObQMbdasCIy"
    b"cymp8s2wbhSqeCshwPmRkf7dhmfNjxYS92S4Y22tSEBeOo3h8aRi+MTNRM9EiUujnLKecPu4+xCtXu4o4VYwmrqf2Jw/kMKdintWPge7YdSbs5eb7EuTU9AIc7XYmzSA"
    b"BZ+P7xaTJHXjsJgK6kjkhJyDAoR0f0SAknyX5BJKhvPqHk0bti5kcRc7Af5t93s3zQTfqw25ClnYRAkroPxMd2+5DpDfs10QYXmJn6N+wcJDtDp6TxWWUiLTOIM+qGsr"
    b"4XOXxi1wodkFZxp9yREV70/mS2vC2J3R2S62ayFh6oeTgyw7fY5P4wlPgoV3iACfoV80hNXSUlewESbgusvUHiFkajHyhA1gZ1pVLAbubX7SzdPSjWpjjIgst52WvP49"
    b"x0Wrxd4/T0em51xzftdvMtLyKzObtRXDaRbbHDYy2uhiwn3hwOVZFnmQV2Vy6R4mF3MrBgE9e6pH+x0xXJgojDCt+Elra9YssuXreNE2H5m40hLXRNELzX3fnlsMy3ez"
    b"myepo4E2S9iIzkmfEGTUDCG2k8EGxc8eq4JHeJRfQrllCtgrJQk9KPC3ql/GjUiymFCTCfjEXiV0RQN7t3T6SKM2KNZs6kZJ/Arpf5VVBQDlgAZsI0ZSA1JInCaP4kBf"
    b"U11LxtBlORPiqxUdlmLrBwfHTo2Fbycm771UleBd6AVICGpI0viJv2G/gTZv7xg7o6bhfFL/YUD41dyIqY1qvNpYUx8mloU+9jsKIb5EQtkvcSecC3RUgfV8fwopUT/E"
    b"P3hiBZC33sVPgArWS/l9APZT1VyDoOKWEgJdMA7f1tfpIwRPLkT0LIeeAU8bTQaGBGgFgB+qtTFh9XJL9k86aMyVtA98syudazu7b2Sk5+uLmzX5w6cqjXPE85v8BKPR"
    b"cIEL/QBjR0xGKBl1Fi50RvNYPu6p5pB4Vyp/RQt0d7vbNIFKYtdOP0Yz/zxzz8BMfNgU2KwUnnNXY2zpmCrsKeLKsQhcTZUTSlS8DQk4TDBxTeU4RiJNmyquhwayyar3"
    b"HBdCZaZA+QNBmlLVnADUbj4Clcqev4fcQ59jvIjz5noGLmNTZ/aw0KwZrKtAPEyjkhlM8P5eTu5kme/Rj4vrib3d0r3P9ezu0Heel3Vys3Yy2Po2DcE8PEfAApHsQBkN"
    b"9CVYn9hZl0QZb3yNgqtF7YYJbNtsDaRN0uSXTCO+S+7v2+EMBuy3RdasB9jzNsumpqBz8Kvt9LdpTDA/DGQICzCi3o+aV0daK4W+dZCGqq16e+OD/sJwwRzFfIUmISIi"
    b"s9/DC2Xlh563m1jquXtaPK5snMvq3hMRpLPvXdhuhYXv7PZWz8Cye26llfGt/UabnlZZ3KMp7zllMc5hiwleNjWtUtrUviXL5nO2fKEuzFq5CVwgftXSZ5kkHEOJYQ8j"
    b"4n9vaDnnrZ8VKt0x1Iz0mfZ0wcDgjMP3omLcs3+hre+9QZRjXULKuAyX8N7MKzj/fIobsEHozoniVBmr85ZyowTQX3lNWQj88HQ85JQCIKDDOftm7eq5SAkKzJnktGP1"
    b"pZtLHTPGQXziTrSUC8iuHA2CGshwkgtRcnqiAC5TJH090VxEEOu6Uq5A2XZfbLcBxYbCsS/aURm+RXqxCMYJRaE+Asgz3q+VfAgtrDgalHy4Fb2fSmHrE1EwTwL7rL3t"
    b"FQmlx/uWHhDQfhNrUy0VDpBD4XoKJ+5I8yTJPL2xz5WxIOwq+VCNVDvrRf0qlnHthNmyhYjT1aF3DubBrDVIuNQ8En6wHkr9CAZXABWcvGgDVvzXnMJj26kz1qIdp0vX"
    b"fNXQavfM+8TpGdfczvxvNHH52uIebUV3nLV6GQtnLBO6oCb8fZkNloJaVyPRVrBuCQ2gUPgHNAML4r2omjM7gLjy+UomqARQi2YcmEtri3ssI9wjH38m83A/Za6SieY2"
    b"L4TcCL90yQav2lRheTeUw9C2YP0Ytpodhs7IDw0gXTGmWWYjm3fRqfen98VgXnbMalW757SkQ/boj3Mcx2pP/azDyHks8racIik67OKAPTk6Hq2oQVvhAg1Md/SqmkIF"
    b"TAUd2cAE7I5+Egs1nQ40FdLiXdVqbgnyJFL+YqyRwCucHt8cFZqZtde/7oVPomk1hTDib5lNXOEemO9iSTEiMByw9H/HnegfMTdYJ9ecvOpeopxM5YQ+LH6RIcv+pQ+Y"
    b"BMBhycEXErD50bvunOfRoiU31MC64IKx8JKEiV3D0gP/Rud7Jc6qdWqj4Dqn3x1e/Ard0PJRkq86ssjC3M2CCMxIALzk88m0Mg/5+uwebXlzmt42h245mBXcfGXz5ekh"
    b"1q8/VFe/n/F0uDDYgYDuUmp9dRAxN77DjVaDuiLOWQDqQBh90UKR+PCxf+qSG5/qqe8LfVPMs1yPnYl+uVcSNJ5T3DtlNPU0Hhy1B412kO4ge0gQ3ShF2w7y4b0+bblp"
    b"60+3+p6kbYC8kedMWq1KOtAhb4+6WFP1zoS+WazZOU6TzBU0nCBGt0ACFCg6NMfKKgoT0KNQSAJZFt2SjSN+PgUyqhReWr5LTzQslJ17mpGFrm2cmMvZwaf2Pgz0VbPo"
    b"fc/POhTUv34BbpUsv+rHZUkV6esEumcaRXbxbbBBUy0wP1TNmYQBPrle+pwiqZvNDvM5su9sOHRVWbnmN8djS9VrrpwDXvJfOz6mexK9PVQVqmc7YMhQWPC0XCzVSEP+"
    b"jYaPNyatVpqr/HNLRmSm809VYzF6JaeNu1Xjq47P1ztLgQQBFEk5+J02XVOb1aypGD5lrZ9FNiwMLr9o2t1IYxWHthuq/GjA1BesU627rqipvDCaMJjMlZGA3UdGj6E1"
    b"nGDiy8lF5op0u5USH92XA0fs2fI9l+mCwhpzpfztCVbdVOUsbkKWb9l4W8p4pEy1lRfAtqbU1oeK91xY7J11F3O9baN6WZC/iPfngv3NvQSoURz6plqMWkZ5nhDGiCLu"
    b"qfXer0V0YY9gy3EgHiVGokl1pP4WELhCTyXXTx0rqVq2715oAfoe30+yIP5PF9+G0xAoao0L45NibfjSbaAvsvsEsHyHvDoaxcK3VdpYGl926Lj4QZK+UlSQNVXc1p6+"
    b"crZTZO9XD7wdQDhPnaDvZErvj/VacKLyH6dDH7IRaMploiLIege6zDKKKiljpgL19kjyU11pB9wfcB2dR/hBu9iCr8GXMW11fmLR3C3kz3W4v8zb/wVgICv/sgJtWwOG"
    b"5X7gOFLA+0X4jSYjvzJB0WEyo8LWiYQywElYPg291F6LbH1/xFCs0zxs024a89aKLuQ4cx4jmoGkrZ66/ejbiX2J/rxzvuRKTck+eZX4z7Oi226X+JaOcT5kclTMq8pN"
    b"2cFClKWupjtjtWi4tz5UaGJWPk+ZjV1BM525YW0jW3p3TOvFwZzfIvwVV8+FSnuSVit0ntOyDtlHL5Zakvvwy6aGHYvSH+4Xj55ae3PBlyWZa9mub+OXju+jM/X/KBkU"
    b"Ve4llxfo8nqXjknlrez8/RZPaU+Uc8QdcBkYPIjZU3PJ52ANj1IE8ZnTqcxDcHrWXvWaN3Q1x3KoEXFYssKaQhq/34+ju9gAvAI9FDD/ltN2LIQu6xJDlZ2+ks/HntRj"
    b"RPfvt8K/dYPojul524/42k1C/9y691KyvWhKtdST/ci0Vge3DGkFO5jY2FN8z7/V8PvituIDHfLF83MDnjvZfYeWUqetmcv9zrmWsqklP0AYlPqlDMUvC9I1BVq9xtyd"
    b"ZjE5kAd28S13c/OTUK2DstwvsiTvV26MZnBVKsg5n2DPDOO1LQnhD0vsSO077WnwW57HpGEKiHzmsVVkhe+WHze109G3Sn0ONiFsqAl5lOz4FRmqWyV5buVlsUJBn6mq"
    b"UmV00aLipxB88SplT2bh8Z27y2ZQ+k5qzumK6o65eLkEjdBXS9wxLenPlnTLJpKg7iDC30GOG0NhT6Hf4aPbx1nkSX1cOEtJ3zKVQ0di6/KvwdEgwmazVVjK1FwYCuan"
    b"z/NP1XMlu3jt/puB7gEWH/b79/eY8PauuytqHT5Rzx6ikf6qLNFqBMNdAkdFNESO0cOYH25U+o/zaplJCRgMoH40a26l3d3X/yWUrlhJ7+Hxt9eQVWd22HPgS1FBsgrj"
    b"BUTAgYI7hsyfdBAPdHhv3VvNYu21er6cn9m7oRs7to0stSk57V3t+6x1d015CabIACL8IT0uX69r0Zc/PFVZ5cFDmeuJOFGx9ex9u6sw9HeESXBxcDzE4FLdpJo1dmN9"
    b"1kPDzVlAfm+zxUnY8kzd46IVibmRo+nrnNgudz3OmOKZG5TEAilHaGkfWPhXNamaw8VlVbBeec9bhwR1GHcw0aJJ+e3ZpXQl6hovuldO8hDiUV3yXoPLFy9XRys9Tl2Z"
    b"R2eJgk3OIG3sF+n9STIq9CdKxR4a/TpZVgMq3T4KZoVGP1GNxZJogZwKCdkcBONi5lMY5kFmKL4f8S/EtB3txoVpW9jSTpJfe3X+VSr4aLnQ/O443LJ1nJjB93LKxN4U"
    b"gQjUtyE8uTNuGH88AvQX6IBaUK35cC57IjJws638FdeEp2AlGCeI0qKKjVLavFGBcqX3n4quU/qDtHQhUKrw0kNjZqWS06k/5fRHjW5qEPfMitvOCCX8K1KRy2HSqzq+"
    b"i4nMVVgHtkHxJQ5GwXuQD+l6hZeU/mCp2yHkwn00Me27YKhsL+h6htVGy3lBSA1hJsCHU336CrK25oNw5QBgZabWFkCHgeqyMhT8YXBklaaEC1Whk7uDws2aaxpWFeRK"
    b"g8o8EHc7LUe6cYu5MWDpBPlzpP6EjC3qUkOTGDz5ZjCjswuGz1ZPn5wPhrhSZ9JCVYcnTc5B8uiz1j/FjRJCqEX6FCXYR3WGSqNqLKQPWgiGvHl4WiWhcn0SUCitvq02"
    b"ZGPIMncU0n0Ad+SPPP7x2e/8QfMlVlxAlqwy8mIlOXgdp6i7/8FLr3nhfGZdCoVVeV4TzFUw8tRlxQ9j43tjkn2KZm9gPpRXA1wMdxE0fnPA1kb5f6hwcOcBpMUPhmPX"
    b"kQ1vvejbQ+ev5DqKF1XGEd2/Ve23wz1jYcEuZmocVnJamQeXvtZNOK0tfMESLX2VM/zjPKQr8/Co73yruMO387wyDnZJyQelPxzk9KTS4/rxcD9UDw79zVTo+hjLhnIH"
    b"68SkAJE80o6A+n7pbOwwuiGrwrcHAL9VNJCwggS6svkCF8t+3aFpr+58Mjx+79Rs3PpdfLWDOTS59lr4IEWDg55cmQjNOgVtBws3oiPRFBpxJIk7Cuk8rTtaS0B/WaH1"
    b"fF8otKmueReQRiWnCTXP3i12Z8vYUtApx/tp/DOsPhtUksJLbSxEPzqsACwqYZmgVdJ+o2YnismLSGqhmZCwpv4m9yo1e7X32VUrynwbTRN1SIg3BVujAa9dX2cjDMdt"
    b"zQ3+goEhdfWvaXTfnyW21ADR3OiKl5BpVzncQqndK+jqMQ7h2cqQjmTJK9b+qjXywd92b6fvbewPvz0fO6cWIoUSzVPsfaVPh1XSYuGLg3ONhyZjuYzKpDn8EA/lfWTQ"
    b"4xTBaa3QMoZ5fjixclRSid4cfo2ItN8jFPQi5sQ50Ut64Hea9PSDHpc/maY3zGE7n8EqLLUJoVuKTNyRfQwuT0koV2SCxoeqrrxF4m1GJ1Uoz36vfvZVFpF22mXsOFvd"
    b"5GwZ3TGNVHT++UP+QdvTBvqKqOZXUb6WAvobo1QUg/Aj1QETKpIXj8rqLiTcpA6aKUXN9rT+cQj/cTCkFYDXo+vvgrqrJQuUGIAy43j0unrWi88UlVLUnZz72XPIPXcy"
    b"FGoZ4r5WTpTQsaSbEadCvzdN5vSShqnhDvnk4vraza3NlXr2fftQ6FpEhlum+iMituW2j5YRrPqWzre2ioWXVxydUX64Z7qNYGhRYh1/niFLv24kD4vqOU/l+nmcp+8n"
    b"zyYF0JW5RFHr8xE3N2zeBmb6+8DLsyJEhBx4HZB6JRt3J2C+GW1LWsH47yk+Ya1NvrPaX8yjgDlBcEjRN/L8J0iMsxVEDBEm8i+mlleEbLejSGwfg82HEnkQDSDRAkjw"
    b"y/z0NH3RwXlrmsXoUQvxgOO8Xvzm8/G2Tj7GVcob4kuOhatxOH076zkRIsoz3wpbWknywq/GtUqJ82FOJ+mEB3hcA0nzd6cDWbIcuU9tucno4Gh5aAAT4SrOqOZQUat6"
    b"We+GyNVoUIG6n0oIdbgADxAfmKjIo1tNk7UiL93Lcyo9rs5z8qA/oGVYNhKFhWUiMsqS8EwF74IqItcAqzzl1FFO6dPi4DnIJAj682hHoRpbq0wRLFVAnJf76bXShw8u"
    b"vTjixKUh3PsKIEF/UshDAdWj5LRlUcnpr7tU6/idLiZaeYbdaPAOsMxjciA5hPg87VK3kVm9THhLQ9HyQAmnawD13cdtJE09aOaCZyCyO4KQqI2A522Rg3X8C/RuDaeS"
    b"a9GAEZsX7hoOfEn8yZdK3tvRO6hOyTW23LTql278v7ykLfO1+5R8CYMoQIQ56HGVWT368uG0SqMXKS9faGzs0YSDF9qMA+czjcV+7SNnQdiG7mdfTHYWL6AaV8xWT9I+"
    b"1VQ0qnDr1jdpfG31PnXVVN46SD3MH0uLc/cO3ipurpg4EZ5LClgQhiwzOWPNB9wayP+JW9+pQmd7c8O9+DPsbmvFdT09WXZ+K58P8Y9+0sH9Y49DLxZ3H6vLXZiumynq"
    b"xAZvkpJB/IUAXdCuNOjgkczYdXS64tOfuPU1s6GG8GzrIrX9wHxr10x2DrZcKAuWF9pW7+W5M1aUHqcNtnQw2Jf+6f0GPLS9m9ilWoQvKvvOkbivr4p/z4mRjzEMXUEe"
    b"7Wft31Yz+J9y2g6F0eUB44/ceufET7sgNbJHipIc4zrgVmdFkdOncGuuIWZRpfSHZz/mw8869IgHPe49p9XmJaYr7glpsx3D/6FDkcKtl7xzXi6kVAkFmazc7zQZmgvF"
    b"nKbi+qcGqzJCp4XqvMmTwdC1rRLjwlvzRUTiCBsbnkMB7y51H36JPWmt5NuNNHkN6zy2rw4PVK2kEBR8HZteUeLdrHhsiBsd3/sOOWogVYFZNNyDAfGslVS5cF5qE9/M"
    b"kOhbR/fUESxzEhGy1IB/n5+hRWDm6rWdsimZ31R7Y/caOnznfuSla1VOFYUI7jbI6SDoy7nNGctJQX/8kpGkkTtRY0URtSgVgqEe2KZYW9ag4rsIW0hG2Jut56ar3OY4"
    b"zcvyBG1LUK3GptEpJPFlrRPoMr9vbZf+yZfm4U7OfMo6Kk+9IngxhrjbMBDNqVfByjxWJuebBl8Wj4R89XxWA4Pd6Dua3d4xefnZdgHIq5OZoPCSYu6iAtvw3bG9Al7F"
    b"CfqgER7D0zolH3CJ0MuT63zpHzwdTrZrdrdZ6g97pX8+bo4VkU1nDOer2bM1OeZE+kdnaoMB+K/an85bKx6csho9eNDyMNb5+BT/RHN7xPkw1q4mM7vXs/uMCOTdOe7D"
    b"guotV8oLhwLKj9Wj6RCTLyADlUoW3yP09RT755bn1y7MR+Bu1lYirxLGjgaXECAvtQ8YJbXU0b5oIBk4c2wwRUYW645xK8UsfadX61AD92mMcD0ceskh/tzGEwNrb4Ua"
    b"EWCaMLepJJqTMEdmB0t8nWzMktR+9xFos5NVN48q61AsmZL4sy6gbquGSkg1GzkNSt7CqbGYMMM+S+sPzMbSkU+jfSoJuy+mcvvUBL3A4QfnzyIEMRXABnpIxRCwbZBa"
    b"b9vIshxnzK466DHK7hycuZnXa4rgoqs6UDoI5Jc3izMo9GXB02DbAe2r1WochS0szFMcfJQc1AlRyh8FRqH0UEdtbYSQycqImQ3ib8AaALP8nigeBol9Uj0bI6LPnKaD"
    b"c++xL5TyINSTLkkkaQl+dzpdo8/Wa3/0pTn82TmppLq7Vvz+/OzW3t0sh5GsGlIqmVENRVeyV9w3qIW2OMHq7aIeFnce51VhzzszJcw+dE/0rJHsc6349Nd7IfiO5Pyg"
    b"5objeyhl17w3uKR2I9xy3ovbgxD8Fp9NjqDLbScCDSQwN4zFFgImT7653BziBU7rTd483lGlzIPS464gboRRCTzDO1kCblRPxTKqWS8CqeOQ+zhaQpR0Wf1UaMJlORhd"
    b"FEdi23ICWEsAmkYLl8YnzmnyX5jrXOytFL3Rgm14i0KZx3Dqjk/Jafrfc/ru8fGs9Wh+rzhSlwfoEIU3CrgINnaSRKl/RiFaROyRT18oWI5Onxu1jxN8y/c/aESApb8D"
    b"jZJOgAoHDewS0p7UrwIhKkQrOgTxiVlQfhDhjyB4P4c9ZctPrv4vaVyS4Ju2YKWokh9dErIB9m7a3IpI4sA4cGuiwktxig49mvIHP94/8C1+bPyHYTFw3SvRw4bTJqfh"
    b"nvY6H9fYRVytTkx5ZCz024SLNFC1RRlv1an6nWn8LAUuze7YOEvzzyIbR3NAPtMyfgYwHgjeyAJcQ+nkT/GQjeCqcBA/O1KfJ+Ob0+rwDAbIN+OXGih48cD58hIH4pZK"
    b"8aVcl/bIgQ7MtRMF8RNoM5f3rNLqYL7Jmz48Rzxes8HXVIQOXxqMAZzLaBLbO4H92vC+sU2t7Wnuu9RBrj3ec/JE/7bjUfirBEYabh/SObHA3D1BQ9PsFa/Hv3LQH5rr"
    b"X1d6XHFCDIkOPbYG45bA/1DX/m4AnZlzhK8ppHofLTi1oBbXNdtmVJnbtoJMOorXL/F2IihcOo4fYdURf25orTGe6T7tSFpUP+/VPa1ab4fznR16wCK0FTYtIv1ZTluS"
    b"n1wyPxDTVway71QuxNara/t0sn89cv9qlkcLP39J8Bf69HJLyYi574nW2C5Ei/0wgP/LE/FlBbBS+JC9YcuwOWUI6xDILSstMQRxK1r9suA64Cc/HItZR7m1Et5YCtTH"
    b"ZO28fz34nfTCyMiRb6pH7AzC78W9OEYAfc/uTW3Fg6PNIX0nWL6MMx2vQpddqQf3D1NfF6UlN7LDD7IDH2wCH/4pp4t/Pm99x5jUiYW2q5frMAK7nzwTt6Xa3CiO3O4E"
    b"8mqShAIi9sXDqwoZPzpRa6xBvTs5EW0MYFcdGVRH/KdTSw/02UxfmdqXsktYQkdClh4W/frfe1xT/V974Wp84ak+tMOQIlz3wlhZeR66iK4+Sdy/hRLUeXVlThgJTXVw"
    b"enwT/8jeUjiIXyzXB8un5PCl49PH99X73mrJ92dYL88dNi2qNkdyntXv34KhH3ucaB4OP/Cf6/xoyjz6bPic5mEwbWPiybfaj2PCiL5FKw379xy3UasoYdArgSDJ8N+U"
    b"eahEhjW3e+LMJie23e9ffbdiMvxCszhQKiTU6daOPPJWhszqiO5CTWfjC9yCvcOdHoClkfjdIlD6gFIOMCD/+MEjNYWEhn0vTAqFcSUP7Ww0V13S7MEI5m6D950WjB/t"
    b"fGGsht27aoiGaAHUEk8BNsLf8xEw+s2gcAXkiHRw7l1e9/O599nqoZiOg3ugZROJUHdqduIhihdywa28LpglKtzaPhgPdTiH38BHksYaJqFNqpui4MuwT/Fb23DrD24c"
    b"h0e/NSXvIlP78eG+ARa/5vUqvhRaWnHUvzsON1SAQ5QUQcGr7MkptC45iZwGM9ftEImvUr2xYXRrPinYlrc3eLW5sKBLvXGpJ3BqXorkHx6KWUNXnXXiwfnSdWSb5FBZ"
    b"+UaQ0XDTVGcrJeS+gsACyql/77QV+4lp84+85P5Sd8BLM9bCFadrzn7Vb+gEqLVySqPm4JcZcfmVxS36/IVTlcUevDbeTLLCIYHrISXvh/maNDBxRoPoJgTir619f8sT"
    b"C/M1YrtXhk+06XGEWgCnUpQB/ov1H+zALLaKQylrApysuPA+jXF0UaidlqQP673H7VhotL4sv57d/Vz1NDWEHHxe4yHOMd+5DSYC+POu1TcEKcL/eP9w+0AH9R59MSf9"
    b"x/u49hljHj5xx9D2JkSHIzlgHATrRnUEI13/GzfCvBKOfHLFuRK0YilRLk9g5+9PtYRoZrb57svrt8fge7X0rqKbOyfgoERm6P8717hywnnYgU87G1oLTAj1PXUOfaxa"
    b"ZCu6ytQs/czlidkhxAFnoMNG0ZcdziKcCFy7H/yUkeFS7ESsMgFec9i3x843pfRk/8St9fsdcLJ/0C+QfL1NssAf227a2oh+ll8VRIe4dfVyxmySiCz3ZivzsOH4wnKp"
    b"9sCTuAPogl9plB6n69FWTMZZzHVIeZpcSJZfaCur0C0xD+I73gFDeObDsAOBktvq5wXNxB00ibfRQN5K30kBdS8XHRongH3wVne1B0LN7mvnGkPwNHeuhY0K7ZUEPWog"
    b"rtsbTjgQ3pAaqKs+Ig+lrqRsIk9G3g2NYoAN+czv4MBfyS5u4SUpnOqMWavqKM6QY5F9uixlLmagImArWS6mCPprbPgQqEZARS3OARX8lMsB4mVRBnygMGaz+pUuiuIZ"
    b"FO7VLwP3XUvYykw19QQ0h8eJRzj8gkfWFMYMsUALSj6sHujgOMiHm2rPh7jK4CkRLJkw9nQAbZTwzUGXY2gCyMvjEPWCYFmSA5Yd5yvPFZKo+dMHwVqmWtGPScWjoFHP"
    b"7wPPdiO7XeFCeTsqjCvj1ZtttCrcGj/FKdzad2bNq+SmWPhEtuzp37ySaU6RUanV0rjOhm5/sfxcyWlM4AAnxQNuTbOUNGs0PacqbbPYsJ0fddjN4cCVUcr9p6NF2Wva"
    b"x85zFXXq/ewLub26cqKiOmerp4M9cj7WnsEiQiQv1GcA7Mrcwx2anumuCRgYkG7Uu82MilusDBlxoD9Ld75v/r/3DzeRqjwZWxhXcpqExTP1bjcJI7cuC30rEtz+uU//"
    b"nA/J7sSO0o2l5EljKY7dqV7OgChOmQfHIOBPX1HyARUHC3iXwtBpr5uLatDRHV3E7AR2csfN78DmZxUhSysDgagp3S4+uV8Q6FV8acjzH/eiig4phjgCczdnc3ojo7+I"
    b"5Z6YRef8rWtXuqb7vj3uTAqjO+PFIevAk66vm4s0GH4hbThQXiNHymPH315D15zJYU8Vm1ub68hePP28O+dZ1XozfGI7avjxXlT3YD4+5eMp3fgmZSmcUnSoXf2jejdX"
    b"RnlvStc6Dp/c7NQ/AhAOSFpQeCktQ+ElS0V+b3qBw6ou1+h9A4v908Kcn5bfyNBr13QiOBd3BnwDb2j1Zo7qd2n5uf6B8TcqKwuB3Ntv96/u79N/abHbxwWxd2nFOyYw"
    b"b2j0l1zOFdEqOCka3rBP5fVZuJlyztKosFRmh4rHdVMoP4ljrR95Kj0kcLdsQgYnimcJVllVApphjADxfxTUJZfgvG1gs4oip8/kLpzmVaGILqK8L3X+mJiKqrcLMiKV"
    b"B59Gw5qTjJifrwa9DuDsk94Bml3sq+3xdM7DX6IRGxCjnvZRD+nEfjfdsF/LhIt2bQd9+mxN/nEcrfA0cIVelvp8dgbpw/egtv9SpYCdKVhLDCA8c9z2ACWpT7orChVf"
    b"qh0OanAZzh5vPM1i+/5O7sk+NJ45p696rhanU4INbBV83tbfAz+ed8isOPCfplwDLGXTT3IVu6MLlyttsSK6/VN/MPyh1dEWkSCyC+sK/f6yQqux2lpbW6b1/XZ3VHN+"
    b"X2fX4+angVPGzt20o7ZiT+5jT/qGUx3JLE90W4e6Aqa3QvZiz0BtQv+h1eOL28mcpXS+s7a9dbRjInTefqmy+RuozWqp9L0bdBx72orQbEWR4fUpbKOvKjBrgq3ed2Zi"
    b"3Wh/R7LQXcN0dnt6RuvnZ8/ql97fXYNetafQp3P5/mk/L3aXvKBr/5uZnJERnbmrU+16kGRP2j28vfyWaO1Yn+k7NJvkQzo6jglFJZHSlqN9x1yN/MwhsSB7fq35keWx"
    b"n6rtvh9IT++I9B52l7hR80riSwdGqXvrXLN+Quztcxa/1hlpymn/W0/NtjdTtuWNs6PVVYefIPY2Teu1HAobLRp4ZRPtHywOeeodhX1u+6Kvcez+w9CpxsjuPx1qjxFT"
    b"VpzVvG18rU0f05EVil6ry36JrTdAi0ajWSZXcmy8c27B9vfFlmMr6qW2ojFrQXv1xWxH/MjhnrqE544213STZ63j4HZ6QOl6AfilNl1TaerVVgyfLDTPIv8HEFIu8Q=="
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


_OF_DIGIT = bytes(max(0, b"0123456789abcdef".find(byte)) for byte in range(256))


@cache
def _table() -> bytes:
    """What each three symbols cost, in steps."""
    return zlib.decompress(a2b_base64(_PACKED)).hex().encode().translate(_OF_DIGIT)


def strangeness(value: bytes) -> float:
    """Bits by which an even draw explains the value better than text does; negative for words and names."""
    table = _table()
    symbols = value.translate(_SYMBOL)
    classes = value.translate(_CLASS)
    steps = 0
    place = 27 * 28 + 27
    for symbol in symbols:
        place = place % 784 * 28 + symbol  # of three symbols: the first goes
        steps += table[place]
    text = steps * _STEP
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
